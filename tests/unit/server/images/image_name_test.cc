// Names, metadata, wishes and times of generated images.
#include "server/images/image_name.h"

#include <gmock/gmock.h>

#include "fragmenter/ebml/ids.h"
#include "fragmenter/mkv/element_writer.h"
#include "server/images/image_request.h"
#include "server/images/image_schedule.h"

namespace penstock::server::images {
namespace {

namespace ebml = fragmenter::ebml;
using fragmenter::mkv::ElementWriter;
using ::testing::EndsWith;
using ::testing::StartsWith;

ImageOf Image() {
  ImageOf image;
  image.fragment.header.server_time = ServerTimeFromMs(5000);
  image.fragment.header.producer_time = ProducerTimeFromUs(4'000'900);
  image.after = std::chrono::microseconds(200'300);
  image.time_ms = 5200;
  return image;
}

TEST(ImageNameTest, ANameSaysWhatItIsAndIsTheSameAgain) {
  const playback::ImageForm jpeg;
  const std::string name = NameImage(Image(), "", "000000000042", "door", jpeg);
  EXPECT_THAT(name, StartsWith("000000000042_door_5200_"));
  EXPECT_THAT(name, EndsWith(".jpg"));
  EXPECT_EQ(name, NameImage(Image(), "", "000000000042", "door", jpeg));
  ImageOf later = Image();
  later.after += std::chrono::milliseconds(40);
  EXPECT_NE(name, NameImage(later, "", "000000000042", "door", jpeg));
  playback::ImageForm png;
  png.format = playback::ImageFormat::kPng;
  EXPECT_THAT(NameImage(Image(), "", "1", "door", png), EndsWith(".png"));
}

TEST(ImageNameTest, APrefixLeadsNowhereElse) {
  const auto with = [](std::string_view prefix) {
    const std::string name = NameImage(Image(), prefix, "1", "door", {});
    return name.substr(0, name.find("_1_door"));
  };
  EXPECT_EQ(with("gate-3"), "gate-3");
  EXPECT_EQ(with("a/b.c"), "a/b.c");
  EXPECT_EQ(with("../../etc/x"), "_./_./etc/x");
  EXPECT_EQ(with("/a//b"), "_a/_b");
  EXPECT_EQ(with("a b\n"), "a_b_");
}

TEST(ImageNameTest, MetadataHasBothTimesOfThePictureAndTheProducersTags) {
  const auto described = DescribeImage(Image(), {{"site", "gate"}});
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"aws_kinesisvideo_fragment_number", Image().fragment.header.number.ToString()},
      {"aws_kinesisvideo_producer_timestamp", "4201"},
      {"aws_kinesisvideo_server_timestamp", "5200"},
      {"site", "gate"}};
  EXPECT_EQ(described, expected);
}

using Tags = std::vector<std::pair<std::string_view, std::string_view>>;

Bytes TagsElement(const std::vector<Tags>& all) {
  ElementWriter tags;
  for (const Tags& one : all) {
    ElementWriter tag;
    for (const auto& [name, value] : one) {
      ElementWriter simple;
      simple.Binary(ebml::kTagName, AsBytes(name));
      simple.Binary(ebml::kTagString, AsBytes(value));
      tag.Master(ebml::kSimpleTag, simple);
    }
    tags.Master(ebml::kTag, tag);
  }
  ElementWriter whole;
  whole.Master(ebml::kTags, tags);
  return whole.Take();
}

TEST(ImageRequestTest, AWishComesWithItsPrefixAndTheTagsBesideIt) {
  const Bytes tail = TagsElement({{{"other", "x"}},
                                  {{"AWS_KINESISVIDEO_IMAGE_GENERATION", ""},
                                   {"AWS_KINESISVIDEO_IMAGE_PREFIX", "gate"},
                                   {"site", "3\xff"},
                                   {"word", "\xc3\xa4"}}});
  const auto request = ReadImageRequest(tail);
  ASSERT_TRUE(request.ok() && request->has_value());
  EXPECT_EQ((*request)->prefix, "gate");
  const std::vector<std::pair<std::string, std::string>> tags = {{"site", "3?"},
                                                                 {"word", "\xc3\xa4"}};
  EXPECT_EQ((*request)->tags, tags);
}

TEST(ImageRequestTest, OtherTagsAreNone) {
  const auto other = ReadImageRequest(TagsElement({{{"AWS_KINESISVIDEO_NOTIFICATION", ""}}}));
  EXPECT_FALSE(other.value().has_value());
  EXPECT_FALSE(ReadImageRequest(Bytes()).value().has_value());
  EXPECT_FALSE(ReadImageRequest(Bytes::Copy("\x01")).ok());
}

store::ItemHeader Fragment(uint64_t ordinal, int64_t start_ms, int64_t ms, store::RunId run = 1) {
  store::ItemHeader item;
  item.ordinal = ordinal;
  item.run = run;
  item.server_time = ServerTimeFromMs(start_ms);
  item.duration = std::chrono::milliseconds(ms);
  return item;
}

class ImageScheduleTest : public ::testing::Test {
 protected:
  std::vector<int64_t> Next(const store::ItemHeader& item) {
    std::vector<int64_t> out = schedule_.Next(item);
    for (int64_t& point : out) point /= 1000;
    return out;
  }
  using Points = std::vector<int64_t>;
  ImageSchedule schedule_{playback::TimeAxis::kServer, 500'000};
};

TEST_F(ImageScheduleTest, PointsAreWholeMultiplesAndEachIsDueOnce) {
  EXPECT_EQ(Next(Fragment(0, 100'000, 1000)), (Points{100'000, 100'500}));
  EXPECT_EQ(Next(Fragment(1, 100'900, 1200)), (Points{101'000, 101'500, 102'000}));
  EXPECT_EQ(Next(Fragment(2, 101'900, 300)), Points{}) << "they overlap";
  EXPECT_EQ(Next(Fragment(3, 102'200, 100)), Points{});
  EXPECT_EQ(Next(Fragment(4, 102'300, 300)), (Points{102'500}));
}

TEST_F(ImageScheduleTest, APointInTheJitterBetweenTwoFragmentsIsNotLost) {
  Next(Fragment(0, 100'000, 900));
  EXPECT_EQ(Next(Fragment(1, 101'100, 300)), (Points{101'000}));
  EXPECT_EQ(Next(Fragment(2, 105'100, 300)), Points{}) << "a hole has no images";
  EXPECT_EQ(Next(Fragment(3, 106'100, 300, 2)), Points{}) << "nor has the time before a run";
}

TEST_F(ImageScheduleTest, AClockThatWasSetBackHasImagesAgain) {
  EXPECT_EQ(Next(Fragment(0, 1'000'000, 600)).size(), 2u);
  EXPECT_EQ(Next(Fragment(1, 500'000, 600, 2)), (Points{500'000, 500'500}));
}

TEST_F(ImageScheduleTest, AFragmentHasNoMoreThanIsSane) {
  EXPECT_EQ(Next(Fragment(0, 100'000, 10'000'000)).size(), ImageSchedule::kPointsMax);
}

}  // namespace
}  // namespace penstock::server::images
