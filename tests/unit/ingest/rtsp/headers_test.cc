#include "ingest/rtsp/headers.h"

#include "ingest/rtsp/text.h"
#include "ingest/rtsp/url.h"

namespace penstock::ingest::rtsp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(UrlTest, TakesApartWhatPeopleWrite) {
  const auto url =
      Url::Parse("rtsp://admin:p%40ss%3aword@10.0.0.7:8554/Streaming/Channels/101?x=1");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->user, "admin");
  EXPECT_EQ(url->password, "p@ss:word");
  EXPECT_EQ(url->host, "10.0.0.7");
  EXPECT_EQ(url->port, 8554);
  EXPECT_EQ(url->path, "/Streaming/Channels/101?x=1");
  EXPECT_EQ(url->ToString(), "rtsp://10.0.0.7:8554/Streaming/Channels/101?x=1");
}

TEST(UrlTest, APasswordMayHoldAnUnescapedAt) {
  const auto url = Url::Parse("rtsp://user:p@ss@cam.local/live");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->password, "p@ss");
  EXPECT_EQ(url->host, "cam.local");
  EXPECT_EQ(url->ToString(), "rtsp://cam.local/live");
}

TEST(UrlTest, KnowsIPv6AndDefaults) {
  EXPECT_EQ(Url::Parse("rtsp://[fe80::1]:554/a")->ToString(), "rtsp://[fe80::1]/a");
  EXPECT_EQ(Url::Parse("RTSP://[::1]:99")->Authority(), "[::1]:99");
  EXPECT_EQ(Url::Parse("rtsp://h?x")->path, "?x");
  EXPECT_EQ(Url::Parse("rtsp://h:/")->port, 554);
}

TEST(UrlTest, KnowsTlsAndItsPort) {
  const auto url = Url::Parse("rtsps://u:p@h/a");
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->port, 322);
  EXPECT_EQ(url->ToString(), "rtsps://h/a");
  EXPECT_EQ(Url::Parse("RTSPS://h:554/a")->ToString(), "rtsps://h:554/a");
  EXPECT_FALSE(Url::Parse("rtsp://h:322/a")->tls);
  EXPECT_EQ(ResolveControl("rtsps://h/live", "/live/track1"), "rtsps://h/live/track1");
  EXPECT_EQ(ResolveControl("rtsps://h/live", "rtsp://h/live/track1"), "rtsp://h/live/track1");
}

TEST(UrlTest, SaysWhatIsWrong) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"http://h/", "must begin with rtsp://"},
      {"rtsp://", "must begin"},
      {"rtsp:///x", "no host"},
      {"rtsp://h:0/", "bad port"},
      {"rtsp://h:70000", "bad port"},
      {"rtsp://[::1/", "never closed"},
      {"rtsp://h/a b", "percent-encoded"},
      {"rtsp://u:secret@:1/", "no host"}};
  for (const auto& [text, words] : cases) {
    const auto url = Url::Parse(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_THAT(url.error().message(), HasSubstr(std::string(words))) << text;
    EXPECT_THAT(url.error().message(), ::testing::Not(HasSubstr("secret")));
  }
}

TEST(ControlTest, ResolvesAsCamerasExpect) {
  const struct {
    std::string_view base, control, expected;
  } cases[] = {
      {"rtsp://h/s", "track1", "rtsp://h/s/track1"},
      {"rtsp://h/s/", "track1", "rtsp://h/s/track1"},
      {"rtsp://h/s", "*", "rtsp://h/s"},
      {"rtsp://h/s/", "", "rtsp://h/s/"},
      {"rtsp://h/s", "rtsp://10.0.0.1/other/1", "rtsp://10.0.0.1/other/1"},
      {"rtsp://h/cam?channel=1&subtype=0", "trackID=0",
       "rtsp://h/cam?channel=1&subtype=0/trackID=0"},
      {"rtsp://h/cam?channel=1/", "trackID=0", "rtsp://h/cam?channel=1/trackID=0"},
      {"rtsp://h/s", "?ctype=video", "rtsp://h/s?ctype=video"},
      {"rtsp://h/s", "/trackID=1", "rtsp://h/s/trackID=1"},
      {"rtsp://h/live/1", "/live/1/trackID=1", "rtsp://h/live/1/trackID=1"},
      {"rtsp://h", "track1", "rtsp://h/track1"},
  };
  for (const auto& c : cases) EXPECT_EQ(ResolveControl(c.base, c.control), c.expected) << c.control;
}

TEST(UrlTest, QueryValuesAreDecoded) {
  EXPECT_EQ(QueryValue("rtsp://h/s?key=a%2Fb&x=2", "key"), "a/b");
  EXPECT_EQ(QueryValue("/s?x=1&key=", "key"), "");
  EXPECT_EQ(QueryValue("/s", "key"), "");
  EXPECT_EQ(PercentDecode("a%zz%4"), "a%zz%4");
}

TEST(TransportTest, ReadsAlternativesAndParameters) {
  const auto transports = ParseTransports(
      "RTP/AVP;unicast;client_port=5000-5001;mode=\"RECORD\", "
      "rtp/avp/tcp;interleaved=2-3;ssrc=00ABCDEF,RAW/X");
  ASSERT_EQ(transports.size(), 2u);
  EXPECT_FALSE(transports[0].tcp);
  EXPECT_EQ(transports[0].client_port, NumberPair(5000, 5001));
  EXPECT_EQ(transports[0].mode, "record");
  EXPECT_TRUE(transports[1].tcp);
  EXPECT_EQ(transports[1].interleaved, NumberPair(2, 3));
  EXPECT_EQ(transports[1].ssrc, 0xabcdefu);
}

TEST(TransportTest, ALonePortMeansAPair) {
  EXPECT_EQ(ParseTransports("RTP/AVP;server_port=6970")[0].server_port, NumberPair(6970, 6971));
  EXPECT_EQ(ParseTransports("RTP/AVP;server_port=65535")[0].server_port, std::nullopt);
  EXPECT_EQ(ParseTransports("RTP/AVP;server_port=x-1")[0].server_port, std::nullopt);
}

TEST(TransportTest, WritesWhatItReads) {
  const std::string text =
      "RTP/AVP;unicast;client_port=5000-5001;server_port=6970-6971;source=10.0.0.1";
  EXPECT_EQ(ParseTransports(text)[0].ToString(), text);
}

TEST(SessionTest, TheTimeoutIsOptional) {
  EXPECT_EQ(ParseSession("1185d20035702ca").timeout.count(), 60);
  EXPECT_EQ(ParseSession("abc; Timeout=30").timeout.count(), 30);
  EXPECT_EQ(ParseSession("abc; Timeout=30").id, "abc");
  EXPECT_EQ(ParseSession("abc;timeout=0").timeout.count(), 60);
  EXPECT_EQ(ParseSession("abc;timeout=x").timeout.count(), 60);
  EXPECT_EQ(ParseSession("").id, "");
}

TEST(RtpInfoTest, EntriesMayLackAnything) {
  const auto entries =
      ParseRtpInfo("url=rtsp://h/s/1;seq=17;rtptime=4294967295, url=trackID=2;seq=99999,seq=1");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].url, "rtsp://h/s/1");
  EXPECT_EQ(entries[0].sequence, 17);
  EXPECT_EQ(entries[0].timestamp, 0xffff'ffffu);
  EXPECT_EQ(entries[1].url, "trackID=2");
  EXPECT_EQ(entries[1].sequence, std::nullopt);
  EXPECT_EQ(entries[1].timestamp, std::nullopt);
}

TEST(TextTest, SplitKeepsQuotedSeparators) {
  EXPECT_THAT(Split(R"(a="x,\"y", b=2)", ','), ElementsAre(R"(a="x,\"y")", "b=2"));
  EXPECT_THAT(Split("", ','), ElementsAre());
  EXPECT_EQ(ParseDecimal("18446744073709551616"), std::nullopt);
  EXPECT_EQ(ParseDecimal("+1"), std::nullopt);
}

}  // namespace
}  // namespace penstock::ingest::rtsp
