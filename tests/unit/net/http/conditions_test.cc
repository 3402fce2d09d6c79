#include "net/http/conditions.h"

#include <zlib.h>

#include "net/http/response_head.h"

namespace penstock::net {
namespace {

std::string BodyOf(const HttpResponse& response) {
  std::string out;
  for (const BodyPart& part : response.parts) out += std::get<ByteChain>(part).Flatten().text();
  return out;
}

HttpResponse Playlist() {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "#EXTINF:2.0,\nsegment" + std::to_string(i) + ".m4s\n";
  HttpResponse response(200, "application/vnd.apple.mpegurl", text);
  response.headers.Set("Penstock-Compress", "yes");
  response.headers.Set("ETag", "\"v1\"");
  return response;
}

HttpResponse Segment() {
  HttpResponse response(200, "video/mp4", "0123");
  response.parts.emplace_back(ByteChain(Bytes::Copy("456")));
  response.parts.emplace_back(ByteChain(Bytes::Copy("789")));
  response.headers.Set("Accept-Ranges", "bytes");
  response.headers.Set("ETag", "\"v1\"");
  return response;
}

Headers With(std::initializer_list<std::pair<const char*, const char*>> fields) {
  Headers headers;
  for (const auto& [name, value] : fields) headers.Add(name, value);
  return headers;
}

std::string Gunzip(const std::string& compressed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(HttpConditionsTest, RangesAreWhatTheStandardSays) {
  const struct {
    const char* value;
    RangeAnswer::Kind kind;
    uint64_t offset, size;
  } cases[] = {
      {"bytes=0-0", RangeAnswer::Kind::kPart, 0, 1},
      {"bytes=2-", RangeAnswer::Kind::kPart, 2, 8},
      {"bytes=-3", RangeAnswer::Kind::kPart, 7, 3},
      {"bytes=-30", RangeAnswer::Kind::kPart, 0, 10},
      {"bytes=5-99", RangeAnswer::Kind::kPart, 5, 5},
      {"BYTES=9-9", RangeAnswer::Kind::kPart, 9, 1},
      {"bytes=5-99999999999999999999999", RangeAnswer::Kind::kPart, 5, 5},
      {"bytes=10-", RangeAnswer::Kind::kUnsatisfiable, 0, 0},
      {"bytes=99999999999999999999999-", RangeAnswer::Kind::kUnsatisfiable, 0, 0},
      {"bytes=-0", RangeAnswer::Kind::kUnsatisfiable, 0, 0},
      {"bytes=5-4", RangeAnswer::Kind::kWhole, 0, 0},
      {"bytes=0-1,3-4", RangeAnswer::Kind::kWhole, 0, 0},
      {"bytes=a-", RangeAnswer::Kind::kWhole, 0, 0},
      {"bytes=1-b", RangeAnswer::Kind::kWhole, 0, 0},
      {"bytes=-", RangeAnswer::Kind::kWhole, 0, 0},
      {"items=0-1", RangeAnswer::Kind::kWhole, 0, 0},
      {"", RangeAnswer::Kind::kWhole, 0, 0},
  };
  for (const auto& one : cases) {
    const RangeAnswer answer = ParseRange(one.value, 10);
    EXPECT_EQ(answer.kind, one.kind) << one.value;
    EXPECT_EQ(answer.range.offset, one.offset) << one.value;
    EXPECT_EQ(answer.range.size, one.size) << one.value;
  }
  EXPECT_EQ(ParseRange("bytes=0-", 0).kind, RangeAnswer::Kind::kUnsatisfiable);
  EXPECT_EQ(ParseRange("bytes=-1", 0).kind, RangeAnswer::Kind::kUnsatisfiable);
}

TEST(HttpConditionsTest, EveryRangeOfABodyInPartsIsThatPartOfIt) {
  for (uint64_t first = 0; first < 10; ++first) {
    for (uint64_t last = first; last < 10; ++last) {
      HttpResponse response = Segment();
      const std::string range = "bytes=" + std::to_string(first) + "-" + std::to_string(last);
      ApplyConditions("GET", With({{"Range", range.c_str()}}), response);
      EXPECT_EQ(response.status, 206);
      EXPECT_EQ(BodyOf(response), std::string("0123456789").substr(first, last - first + 1));
      EXPECT_EQ(response.headers.Get("Content-Range"),
                "bytes " + std::to_string(first) + "-" + std::to_string(last) + "/10");
    }
  }
}

TEST(HttpConditionsTest, ARangeHoldsOnlyWhereItMay) {
  HttpResponse beyond = Segment();
  ApplyConditions("GET", With({{"Range", "bytes=10-"}}), beyond);
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.headers.Get("Content-Range"), "bytes */10");
  EXPECT_EQ(beyond.body_bytes(), 0u);
  HttpResponse head = Segment();
  ApplyConditions("HEAD", With({{"Range", "bytes=1-"}}), head);
  EXPECT_EQ(head.status, 200);
  HttpResponse changed = Segment();
  ApplyConditions("GET", With({{"Range", "bytes=1-"}, {"If-Range", "\"v0\""}}), changed);
  EXPECT_EQ(changed.status, 200);
  HttpResponse same = Segment();
  ApplyConditions("GET", With({{"Range", "bytes=1-"}, {"If-Range", "\"v1\""}}), same);
  EXPECT_EQ(same.status, 206);
  HttpResponse unoffered = Segment();
  unoffered.headers.Remove("Accept-Ranges");
  ApplyConditions("GET", With({{"Range", "bytes=1-"}}), unoffered);
  EXPECT_EQ(unoffered.status, 200);
  HttpResponse failed = Segment();
  failed.status = 404;
  ApplyConditions("GET", With({{"Range", "bytes=1-"}}), failed);
  EXPECT_EQ(failed.status, 404);
}

TEST(HttpConditionsTest, AKnownEntityIsNotSentAgain) {
  for (const char* list : {"\"v1\"", "W/\"v1\"", "\"a,b\", \"v1\"", "*"}) {
    HttpResponse response = Playlist();
    ApplyConditions("GET", With({{"If-None-Match", list}, {"Range", "bytes=0-1"}}), response);
    EXPECT_EQ(response.status, 304) << list;
    EXPECT_EQ(response.body_bytes(), 0u);
    EXPECT_EQ(response.headers.Get("ETag"), "\"v1\"");
    EXPECT_EQ(response.headers.Get("Vary"), "Accept-Encoding");
    const std::string head =
        WriteResponseHead(response, ResponseHeadOptions(), ServerTimeFromMs(0));
    EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  }
  for (const char* list : {"\"v2\"", "v1", "\"V1\"", "\"v1", ""}) {
    HttpResponse response = Playlist();
    ApplyConditions("GET", With({{"If-None-Match", list}}), response);
    EXPECT_EQ(response.status, 200) << list;
  }
}

TEST(HttpConditionsTest, WhoAcceptsGzipGetsItWhereItIsOffered) {
  const std::string plain = BodyOf(Playlist());
  for (const char* accepts : {"gzip", "br, gzip;q=0.5", "*", "GZIP ; q=1"}) {
    HttpResponse response = Playlist();
    ApplyConditions("GET", With({{"Accept-Encoding", accepts}}), response);
    EXPECT_EQ(response.headers.Get("Content-Encoding"), "gzip") << accepts;
    EXPECT_EQ(response.headers.Get("ETag"), "W/\"v1\"");
    EXPECT_EQ(response.headers.Get("Vary"), "Accept-Encoding");
    EXPECT_LT(response.body_bytes(), plain.size() / 4);
    EXPECT_EQ(Gunzip(BodyOf(response)), plain);
  }
  for (const char* accepts : {"", "br", "gzip;q=0", "gzip; q=0.000", "xgzip"}) {
    HttpResponse response = Playlist();
    ApplyConditions("GET", With({{"Accept-Encoding", accepts}}), response);
    EXPECT_FALSE(response.headers.Has("Content-Encoding")) << accepts;
    EXPECT_EQ(BodyOf(response), plain);
    EXPECT_FALSE(response.headers.Has("Penstock-Compress"));
    EXPECT_EQ(response.headers.Get("Vary"), "Accept-Encoding");
  }
  HttpResponse unoffered = Segment();
  ApplyConditions("GET", With({{"Accept-Encoding", "gzip"}}), unoffered);
  EXPECT_FALSE(unoffered.headers.Has("Content-Encoding"));
}

TEST(HttpConditionsTest, DatesAreInTheFormTheStandardFixes) {
  EXPECT_EQ(HttpDate(ParseTime("1994-11-06T08:49:37Z").value()), "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace penstock::net
