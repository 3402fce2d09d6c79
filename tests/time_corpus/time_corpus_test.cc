#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/time_corpus/corpus.h"
#include "tests/time_corpus/story.h"

namespace penstock::time_corpus {
namespace {

class BadCameras : public ::testing::TestWithParam<Entry> {};

TEST_P(BadCameras, NeitherSplitNorStretchTheirRecordingAndAreSeen) {
  const auto& [camera, expected] = GetParam();
  const Story story = Record(camera, expected.settles);

  EXPECT_EQ(story.runs, 1u) << "a run was begun because of a clock";
  EXPECT_EQ(story.fragments, static_cast<size_t>(camera.lasts / kGroup) - expected.groups_lost)
      << "fragments were cut because of a clock";
  EXPECT_EQ(story.without_key_frame, 0u);
  EXPECT_LE(story.longest_too_long, expected.too_long_max) << "us that a picture was stretched by";
  EXPECT_LE(std::abs(story.lead_duration - camera.lasts), expected.duration_error_max)
      << "us that all durations together are off";
  EXPECT_LE(story.apart_max, expected.apart_max) << "us between sound and pictures";
  EXPECT_LE(story.producer_error_max, expected.producer_error_max) << "us of producer time";
  EXPECT_EQ(story.sane_at_end, expected.sane);
  EXPECT_EQ(story.anomalies, expected.anomalies);
  EXPECT_GE(story.flagged, expected.flagged_min) << "anomalies that no fragment shows";
  if (expected.flagged_min == 0) {
    EXPECT_EQ(story.flagged, 0u);
  }
  RecordProperty("apart_us", std::to_string(story.apart_max));
  RecordProperty("apart_early_us", std::to_string(story.apart_early_max));
  RecordProperty("producer_error_us", std::to_string(story.producer_error_max));
  RecordProperty("too_long_us", std::to_string(story.longest_too_long));
  RecordProperty("flagged", std::to_string(story.flagged));
}

INSTANTIATE_TEST_SUITE_P(Corpus, BadCameras, ::testing::ValuesIn(Corpus()),
                         [](const auto& info) { return info.param.camera.name; });

}  // namespace

// Names the camera where googletest would print its bytes.
void PrintTo(const Entry& entry, std::ostream* out) { *out << entry.camera.name; }

}  // namespace penstock::time_corpus
