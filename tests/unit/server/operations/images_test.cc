// GetImages as a client sees it: what may be asked, and pages. Real pictures are in
// tests/unit/playback/images and tests/e2e/images_test.py.
#include <fmt/format.h>

#include "playback/images/image_service.h"
#include "tests/unit/server/operations/aws_fixture.h"

namespace penstock::server::aws {
namespace {

using testing::HasSubstr;

constexpr int64_t kNoonMs = 1'768'478'400'000;

class ImagesTest : public AwsTest {
 protected:
  ImagesTest() {
    aws_.images = &images_;
    Ask("/createStream", R"({"StreamName":"door","DataRetentionInHours":2})");
  }

  // Its pictures cannot be made: the shard holds none.
  void AddFragment(int64_t at_ms, int64_t ms) {
    store::ItemHeader item;
    item.server_time = ServerTimeFromMs(kNoonMs + at_ms);
    item.duration = std::chrono::milliseconds(ms);
    item.run = 1;
    store_.Shard("door").Add(item, Bytes::Copy("x"));
  }
  // From noon on, seconds.
  int Get(double from, double to, std::string more = "") {
    return Ask("/getImages",
               fmt::format(R"({{"StreamName":"door","ImageSelectorType":"SERVER_TIMESTAMP",)"
                           R"("Format":"JPEG","StartTimestamp":{:.3f},"EndTimestamp":{:.3f}{}}})",
                           kNoonMs / 1000 + from, kNoonMs / 1000 + to, more));
  }
  // "0:NO_MEDIA 3:MEDIA_ERROR": seconds from noon on.
  std::string Listed() {
    std::string out;
    for (const Json& image : json_["Images"].array()) {
      EXPECT_TRUE(image["ImageContent"].is_null());
      out += fmt::format("{}{:g}:{}", out.empty() ? "" : " ",
                         image["TimeStamp"].AsDouble() - kNoonMs / 1000, image["Error"].AsString());
    }
    return out;
  }

  playback::ImageService images_;
};

TEST_F(ImagesTest, ThereIsAnImageOrAReasonForEachPoint) {
  AddFragment(1000, 2000);
  AddFragment(3050, 2000);
  EXPECT_EQ(Get(0, 6), 200);
  EXPECT_EQ(Listed(), "0:NO_MEDIA 3:MEDIA_ERROR 6:NO_MEDIA") << "every three seconds";
  EXPECT_TRUE(json_["NextToken"].is_null());
  EXPECT_EQ(Get(0.5, 2.5, R"(,"SamplingInterval":500)"), 200);
  EXPECT_EQ(Listed(), "0.5:NO_MEDIA 1:MEDIA_ERROR 1.5:MEDIA_ERROR 2:MEDIA_ERROR 2.5:MEDIA_ERROR");
  EXPECT_EQ(Get(1, 1), 200);
  EXPECT_EQ(Listed(), "1:MEDIA_ERROR") << "a range shorter than the interval has its start";
}

TEST_F(ImagesTest, PagesGoOnWhereTheyEnded) {
  AddFragment(0, 10'000);
  std::string all, token;
  size_t pages = 0;
  do {
    const std::string more = token.empty() ? "" : R"(,"NextToken":")" + token + "\"";
    ASSERT_EQ(Get(0, 12, R"(,"SamplingInterval":200,"MaxResults":100)" + more), 200);
    EXPECT_LE(json_["Images"].array().size(), 25u) << "whatever is asked for";
    all += (all.empty() ? "" : " ") + Listed();
    token = json_["NextToken"].AsString();
    ++pages;
  } while (!token.empty() && pages < 10);
  std::string expected;
  for (int i = 0; i <= 60; ++i) {
    expected +=
        fmt::format("{}{:g}:{}", i == 0 ? "" : " ", i * 0.2, i < 50 ? "MEDIA_ERROR" : "NO_MEDIA");
  }
  EXPECT_EQ(all, expected);
  EXPECT_EQ(pages, 3u);
  EXPECT_EQ(Get(0, 12, R"(,"MaxResults":2)"), 200);
  EXPECT_EQ(Listed(), "0:MEDIA_ERROR 3:MEDIA_ERROR");
}

TEST_F(ImagesTest, ATokenIsOfOneRequest) {
  Get(0, 12, R"(,"MaxResults":1)");
  const std::string token(json_["NextToken"].AsString());
  const std::string with = R"(,"NextToken":")" + token + "\"";
  EXPECT_EQ(Get(0, 12, with), 200);
  EXPECT_EQ(Get(0, 12, with + R"(,"MaxResults":3,"Format":"PNG")"), 200)
      << "how they look may change";
  for (const std::string& more :
       {with + R"(,"SamplingInterval":200)", std::string(R"(,"NextToken":"QUJD")")}) {
    EXPECT_EQ(Get(0, 12, more), 400) << more;
    EXPECT_EQ(error_, "InvalidArgumentException");
    EXPECT_THAT(Message(), HasSubstr("NextToken"));
  }
  EXPECT_EQ(Get(1, 12, with), 400);
  EXPECT_EQ(Get(0, 11, with), 400);
  Ask("/createStream", R"({"StreamName":"yard","DataRetentionInHours":2})");
  std::string body = fmt::format(R"({{"StreamName":"yard","ImageSelectorType":"SERVER_TIMESTAMP",)"
                                 R"("Format":"JPEG","StartTimestamp":{},"EndTimestamp":{}{}}})",
                                 kNoonMs / 1000, kNoonMs / 1000 + 12, with);
  EXPECT_EQ(Ask("/getImages", body), 400) << "of another stream";
}

TEST_F(ImagesTest, WhatCannotBeAskedForIsRefusedInWords) {
  const auto refused = [&](double from, double to, std::string more) {
    EXPECT_EQ(Get(from, to, more), 400) << more;
    EXPECT_EQ(error_, "InvalidArgumentException") << more;
    return Message();
  };
  EXPECT_THAT(refused(1, 0, ""), HasSubstr("EndTimestamp"));
  EXPECT_THAT(refused(0, 300.1, ""), HasSubstr("300 seconds"));
  EXPECT_EQ(Get(0, 300), 200);
  EXPECT_THAT(refused(0, 1, R"(,"SamplingInterval":199)"), HasSubstr("samplingInterval"));
  EXPECT_THAT(refused(0, 1, R"(,"WidthPixels":640)"), HasSubstr("HeightPixels"));
  EXPECT_EQ(Get(0, 1, R"(,"HeightPixels":480)"), 200);
  EXPECT_THAT(refused(0, 1, R"(,"WidthPixels":3841,"HeightPixels":1)"), HasSubstr("widthPixels"));
  EXPECT_THAT(refused(0, 1, R"(,"MaxResults":101)"), HasSubstr("maxResults"));
  EXPECT_THAT(refused(0, 1, R"(,"FormatConfig":{"JPEGQuality":"0"})"), HasSubstr("JPEGQuality"));
  EXPECT_EQ(Get(0, 1, R"(,"FormatConfig":{"JPEGQuality":"100"})"), 200);
}

TEST_F(ImagesTest, AStreamThatStoresNothingSaysSo) {
  Ask("/createStream", R"({"StreamName":"live"})");
  EXPECT_EQ(Ask("/getImages", R"({"StreamName":"live","ImageSelectorType":"SERVER_TIMESTAMP",)"
                              R"("Format":"JPEG","StartTimestamp":1,"EndTimestamp":2})"),
            400);
  EXPECT_EQ(error_, "NoDataRetentionException");
}

}  // namespace
}  // namespace penstock::server::aws
