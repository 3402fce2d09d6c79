#include "ingest/rtsp/framer.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/random.h"

namespace penstock::ingest::rtsp {
namespace {

using ::testing::HasSubstr;

// What came out, one line per frame.
std::string Describe(const Frame& frame) {
  if (const auto* packet = std::get_if<Interleaved>(&frame)) {
    return fmt::format("${} {}", packet->channel, packet->payload.text());
  }
  if (const auto* request = std::get_if<Request>(&frame)) {
    return fmt::format("{} {} [{}] {}", request->method, request->url,
                       request->headers.Find("cseq").value_or("-"), request->body.text());
  }
  const auto& response = std::get<Response>(frame);
  return fmt::format("{} {} [{}] {}", response.status, response.reason,
                     response.headers.Find("cseq").value_or("-"), response.body.text());
}

void Drain(Framer& framer, std::vector<std::string>& out) {
  for (;;) {
    const auto frame = framer.Next();
    if (!frame.ok()) {
      out.push_back(frame.error().ToString());
      return;
    }
    if (!frame->has_value()) return;
    out.push_back(Describe(**frame));
  }
}

// Feeds the text in pieces of at most `piece` bytes.
std::vector<std::string> Feed(std::string_view text, size_t piece) {
  Framer framer;
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto room = framer.WritableSpan();
    EXPECT_GE(room.size(), Framer::kReadBytesMin);
    const size_t n = std::min({text.size(), piece, room.size()});
    std::memcpy(room.data(), text.data(), n);
    framer.Commit(n);
    text.remove_prefix(n);
    Drain(framer, out);
    if (!out.empty() && out.back().find(": ") != std::string::npos && !framer.Next().ok()) break;
  }
  return out;
}

std::string Packet(uint8_t channel, std::string_view payload) {
  std::string out = "$";
  out += static_cast<char>(channel);
  out += static_cast<char>(payload.size() >> 8);
  out += static_cast<char>(payload.size() & 0xff);
  return out.append(payload);
}

TEST(FramerTest, MessagesAndPacketsComeOutTheSameInPiecesOfAnySize) {
  const std::string stream =
      "\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n" + Packet(0, "abc") + Packet(1, "") +
      "RTSP/1.0 200 OK\ncseq:2\nContent-length : 4\n\nbody" + Packet(3, std::string(65535, 'x')) +
      "ANNOUNCE rtsp://h/a b RTSP/1.0\r\nCSeq: 3\r\nContent-Length: 3\r\n\r\nv=0" + "\r\n" +
      "RTSP/1.0 404\r\nCSeq:4\r\n\r\n";
  const std::vector<std::string> expected = {"OPTIONS * [1] ",
                                             "$0 abc",
                                             "$1 ",
                                             "200 OK [2] body",
                                             "$3 " + std::string(65535, 'x'),
                                             "ANNOUNCE rtsp://h/a b [3] v=0",
                                             "404  [4] "};
  EXPECT_EQ(Feed(stream, stream.size()), expected);
  for (const size_t piece : {1, 2, 3, 7, 100, 4096, 65536})
    EXPECT_EQ(Feed(stream, piece), expected) << piece;
}

TEST(FramerTest, PacketsAreSlicesOfOneSlab) {
  Framer framer;
  const std::string stream = Packet(0, "first") + Packet(0, "second");
  const auto room = framer.WritableSpan();
  std::memcpy(room.data(), stream.data(), stream.size());
  framer.Commit(stream.size());
  const auto first = framer.Next();
  const auto second = framer.Next();
  EXPECT_EQ(std::get<Interleaved>(**first).payload.data(), room.data() + 4);
  EXPECT_EQ(std::get<Interleaved>(**second).payload.data(), room.data() + 13);
}

TEST(FramerTest, APacketKeepsItsBytesAfterItsSlabIsFull) {
  Framer framer;
  std::vector<Bytes> kept;
  for (int i = 0; i < 1000; ++i) {
    const std::string stream = Packet(0, std::string(1400, static_cast<char>('a' + i % 26)));
    const auto room = framer.WritableSpan();
    ASSERT_GE(room.size(), stream.size());
    std::memcpy(room.data(), stream.data(), stream.size());
    framer.Commit(stream.size());
    const auto frame = framer.Next();
    kept.push_back(std::get<Interleaved>(**frame).payload);
  }
  for (size_t i = 0; i < kept.size(); ++i) {
    ASSERT_EQ(kept[i].text(), std::string(1400, static_cast<char>('a' + i % 26)));
  }
}

TEST(FramerTest, ASlabIsFilledAgainOnceNobodyLooksAtItsPackets) {
  Framer framer;
  const std::string packet = Packet(0, "abc");
  const auto feed = [&framer, &packet] {
    const auto room = framer.WritableSpan();
    std::memcpy(room.data(), packet.data(), packet.size());
    framer.Commit(packet.size());
    auto frame = framer.Next();
    return std::pair(room.data(), std::get<Interleaved>(**frame).payload);
  };
  const uint8_t* const start = feed().first;
  const auto [second, kept] = feed();
  EXPECT_EQ(second, start);
  EXPECT_EQ(feed().first, start + packet.size()) << "the packet before is still looked at";
  EXPECT_EQ(kept.text(), "abc");
}

TEST(FramerTest, AHeadWithoutEndIsTooLarge) {
  const std::string endless =
      "OPTIONS * RTSP/1.0\r\n" + std::string(2 * limits::kRtspHeadBytesMax, 'x');
  EXPECT_THAT(Feed(endless, 1000).back(), HasSubstr("TooLarge: message head over 16384 bytes"));
  EXPECT_EQ(Feed(endless, 1), Feed(endless, endless.size()));
}

TEST(FramerTest, ABodyOverTheLimitIsRefusedBeforeItComes) {
  EXPECT_THAT(Feed("ANNOUNCE a RTSP/1.0\r\nContent-Length: 65537\r\n\r\n", 9),
              ::testing::ElementsAre(HasSubstr("TooLarge: message body of 65537 bytes")));
  EXPECT_THAT(Feed("ANNOUNCE a RTSP/1.0\r\nContent-Length: 99999999999999999999\r\n\r\n", 9),
              ::testing::ElementsAre(HasSubstr("Protocol: bad Content-Length")));
}

TEST(FramerTest, GarbageIsAnErrorThatStays) {
  Framer framer;
  const auto room = framer.WritableSpan();
  room[0] = 0x16;  // a TLS hello
  framer.Commit(1);
  for (int i = 0; i < 2; ++i) {
    const auto frame = framer.Next();
    ASSERT_FALSE(frame.ok());
    EXPECT_EQ(frame.error().code(), ErrorCode::kProtocol);
  }
}

TEST(MessageTest, FoldedLinesAndLinesWithoutAColonAreTolerated) {
  const auto head = ParseMessageHead(
      "RTSP/1.0 200 OK\r\nPublic: OPTIONS,\r\n  DESCRIBE\r\ndebug line\r\nCSeq: 5\r\n\r\n");
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head->response->headers.Find("public"), "OPTIONS, DESCRIBE");
  EXPECT_EQ(head->response->headers.Find("CSEQ"), "5");
}

TEST(MessageTest, WhatIsWrittenIsReadAgain) {
  Request request;
  request.method = "ANNOUNCE";
  request.url = "rtsp://h/s";
  request.headers.Add("CSeq", "9");
  request.headers.Add("Content-Length", "77");
  request.body = Bytes::Copy("v=0\r\n");
  EXPECT_EQ(request.Serialize().text(),
            "ANNOUNCE rtsp://h/s RTSP/1.0\r\nCSeq: 9\r\nContent-Length: 5\r\n\r\nv=0\r\n");
  Response response;
  response.status = 454;
  EXPECT_EQ(response.Serialize().text(), "RTSP/1.0 454 Session Not Found\r\n\r\n");
}

TEST(MessageTest, FirstLinesThatAreNoneAreRefused) {
  for (const std::string_view head : {"RTSP/1.0 20 OK", "RTSP/1.0 abc", "OPTIONS", "OPTIONS *",
                                      "GET / FTP/1", " * RTSP/1.0", "X  RTSP/1.0"}) {
    const auto parsed = ParseMessageHead(head);
    ASSERT_FALSE(parsed.ok()) << head;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kProtocol);
  }
}

}  // namespace
}  // namespace penstock::ingest::rtsp
