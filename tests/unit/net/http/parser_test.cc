#include "net/http/parser.h"

#include "base/limits.h"
#include "net/http/body_decoder.h"
#include "net/http/target.h"

namespace penstock::net {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

struct Parsed {
  int refused = 0;  // 0: it was not
  RequestHead head;
};

Parsed Parse(std::string_view text) {
  Parsed out;
  HeadScanner scanner(limits::kHttpHeadBytesMax);
  if (scanner.Scan(text) != HeadScanner::State::kComplete) {
    out.refused = 400;
    return out;
  }
  const auto refusal = ParseRequestHead(scanner.head(), out.head);
  if (refusal.has_value()) out.refused = refusal->status;
  return out;
}

Parsed ParseWith(std::string_view fields) {
  return Parse("POST / HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n");
}

TEST(HttpParserTest, ARequestComesApartIntoItsPieces) {
  const Parsed parsed = Parse(
      "GET /hls/c%20am/a.m4s?start=a%3Db&empty&plus=a+b HTTP/1.1\r\nHost: camera:8080\r\nX-Y:  v w "
      "\t\r\nx-y: 2\r\n\r\nrest");
  EXPECT_EQ(parsed.refused, 0);
  EXPECT_EQ(parsed.head.method, "GET");
  EXPECT_EQ(parsed.head.path, "/hls/c am/a.m4s");
  EXPECT_EQ(parsed.head.target, "/hls/c%20am/a.m4s?start=a%3Db&empty&plus=a+b");
  EXPECT_THAT(parsed.head.query,
              ElementsAre(Pair("start", "a=b"), Pair("empty", ""), Pair("plus", "a b")));
  EXPECT_EQ(parsed.head.headers.Get("x-Y"), "v w");
  EXPECT_EQ(parsed.head.headers.Count("X-Y"), 2u);
  EXPECT_TRUE(parsed.head.keep_alive);
  EXPECT_EQ(parsed.head.body.kind, BodyFraming::Kind::kNone);
}

TEST(HttpParserTest, TheAuthorityOfAnAbsoluteTargetIsTheHost) {
  const Parsed parsed = Parse("GET http://evil.example/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(parsed.refused, 0);
  EXPECT_EQ(parsed.head.path, "/x");
  EXPECT_EQ(parsed.head.headers.Get("Host"), "evil.example");
  EXPECT_EQ(Parse("GET http://localhost@evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n").refused, 400);
  EXPECT_EQ(Parse("GET HTTP://h?q HTTP/1.1\r\nHost: x\r\n\r\n").head.path, "/");
}

TEST(HttpParserTest, FramingThatTwoReadersMightUnderstandDifferentlyIsRefused) {
  EXPECT_EQ(ParseWith("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n").refused, 400);
  EXPECT_EQ(ParseWith("Content-Length: 5\r\nContent-Length: 5\r\n").refused, 400);
  EXPECT_EQ(ParseWith("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n").refused, 400);
  for (const char* length : {"5, 5", "+5", "-5", "5 5", "0x5", "", "18446744073709551617", "5\v"}) {
    EXPECT_EQ(ParseWith(std::string("Content-Length: ") + length + "\r\n").refused, 400) << length;
  }
  for (const char* coding :
       {"gzip", "chunked, gzip", "gzip, chunked", "xchunked", "identity", "chunked;x"}) {
    EXPECT_EQ(ParseWith(std::string("Transfer-Encoding: ") + coding + "\r\n").refused, 501)
        << coding;
  }
  EXPECT_EQ(ParseWith("Transfer-Encoding : chunked\r\n").refused, 400);
  EXPECT_EQ(ParseWith("X: y\r\n Transfer-Encoding: chunked\r\n").refused, 400);
  EXPECT_EQ(Parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").refused, 400);
  EXPECT_EQ(ParseWith("Transfer-Encoding: CHUNKED\r\n").head.body.kind,
            BodyFraming::Kind::kChunked);
  EXPECT_EQ(ParseWith("Content-Length: 005\r\n").head.body.length, 5u);
}

TEST(HttpParserTest, ConnectionsStayOpenAsTheVersionAndTheHeaderSay) {
  EXPECT_FALSE(ParseWith("Connection: close\r\n").head.keep_alive);
  EXPECT_FALSE(ParseWith("Connection: x, Close\r\n").head.keep_alive);
  EXPECT_FALSE(ParseWith("Connection: keep-alive\r\nConnection: close\r\n").head.keep_alive);
  EXPECT_TRUE(ParseWith("Connection: upgrade\r\n").head.keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.0\r\n\r\n").head.keep_alive);
  EXPECT_TRUE(Parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").head.keep_alive);
}

TEST(HttpParserTest, TheScannerSaysTheSameHoweverTheInputIsCut) {
  const std::string inputs[] = {"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\nbody",
                                "GET / HTTP/1.1\n\n",
                                "GET\r/\r\n\r\n",
                                std::string("GET \0 ", 6),
                                "\r\n\r\n\r\n",
                                "GET / HTTP/1.1\r\n" + std::string(200, 'x')};
  for (const std::string& input : inputs) {
    HeadScanner whole(100);
    const HeadScanner::State expected = whole.Scan(input);
    HeadScanner pieces(100);
    HeadScanner::State state = HeadScanner::State::kMore;
    for (size_t n = 0; n <= input.size() && state == HeadScanner::State::kMore; ++n) {
      state = pieces.Scan(std::string_view(input).substr(0, n));
    }
    EXPECT_EQ(state, expected) << input;
    EXPECT_EQ(pieces.end(), whole.end()) << input;
  }
  HeadScanner scanner(100);
  ASSERT_EQ(scanner.Scan(inputs[0]), HeadScanner::State::kComplete);
  EXPECT_EQ(scanner.head(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(inputs[0].substr(scanner.end()), "body");
}

TEST(HttpParserTest, PathsThatLeaveTheirRootAreNoTargets) {
  for (const char* target :
       {"/..", "/a/../b", "/%2e%2e/b", "/a/%2E./", "/a%2f..%2fb", "x", "", "/a#b", "/\x80", "/%zz",
        "/%4", "/a%00", "/a%0ab", "/?a=%0", "/?%00", "ftp://x/"}) {
    EXPECT_FALSE(ParseTarget(target).has_value()) << target;
  }
  for (const char* target : {"/...", "/a..b", "/..a", "/?x=../..", "//x", "/a%20b"}) {
    EXPECT_TRUE(ParseTarget(target).has_value()) << target;
  }
}

TEST(HttpParserTest, AnswersAreParsedAndFramed) {
  ResponseHead head;
  EXPECT_FALSE(ParseResponseHead("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n", head).has_value());
  BodyFraming framing;
  EXPECT_FALSE(ResponseFraming("GET", head, framing).has_value());
  EXPECT_EQ(framing.length, 5u);
  EXPECT_FALSE(ResponseFraming("HEAD", head, framing).has_value());
  EXPECT_EQ(framing.kind, BodyFraming::Kind::kNone);
  for (const char* bad : {"HTTP/1.1 20\r\n\r\n", "HTTP/1.1  200\r\n\r\n", "HTTP/1.1 2000\r\n\r\n",
                          "ICY 200 OK\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n"}) {
    EXPECT_TRUE(ParseResponseHead(bad, head).has_value()) << bad;
  }
}

// The payload, or "!" and what is wrong.
std::string DecodeChunked(std::string_view input, size_t step) {
  BodyFraming framing;
  framing.kind = BodyFraming::Kind::kChunked;
  BodyDecoder decoder(framing);
  std::string out;
  for (size_t used = 0, arrived = 0; !decoder.done();) {
    if (used == arrived) {
      if (arrived == input.size()) return out + "…";
      arrived = std::min(input.size(), arrived + step);
    }
    const auto result = decoder.Next(AsBytes(input.substr(used, arrived - used)));
    if (!result.ok()) return "!" + result.error().message();
    out += AsText(result->payload);
    used += result->used;
  }
  return out;
}

TEST(BodyDecoderTest, ChunksComeOutTheSameHoweverTheyAreCut) {
  const std::string input =
      "3\r\nabc\r\n00a;x=\"y\"\r\n0123456789\r\n1\r\nz\r\n0\r\nTrailer: 1\r\n\r\n";
  for (size_t step = 1; step <= input.size(); ++step)
    EXPECT_EQ(DecodeChunked(input, step), "abc0123456789z");
  EXPECT_EQ(DecodeChunked("3\r\nab", 1), "ab…");
}

TEST(BodyDecoderTest, BrokenChunksAreRefused) {
  for (const char* input :
       {"\r\n", "x\r\n", "3\nabc", "3\r\nabcd", "3\r\nabc\n", "0x3\r\n", "-1\r\n", " 3\r\n",
        "3 \r\n", "1000000000000000\r\n", "3;a\n", "0\r\n\n", "0\r\nx\n", "+3\r\n", "3\rabc"}) {
    EXPECT_EQ(DecodeChunked(input, 1).substr(0, 1), "!") << input;
  }
  EXPECT_EQ(DecodeChunked("1;" + std::string(5000, 'x'), 100).substr(0, 1), "!");
  EXPECT_EQ(DecodeChunked("0\r\n" + std::string(50000, 'x'), 100).substr(0, 1), "!");
}

}  // namespace
}  // namespace penstock::net
