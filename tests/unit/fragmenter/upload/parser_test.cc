#include "fragmenter/upload/parser.h"

#include <gmock/gmock.h>

#include "fragmenter/ebml/ids.h"
#include "tests/testing/upload_body.h"

namespace penstock::fragmenter {
namespace {

using penstock::testing::UploadBody;
using ::testing::HasSubstr;

struct Reading {
  std::vector<UploadFragment> fragments;
  std::vector<uint64_t> begun;
  std::optional<UploadError> error;
  std::optional<uint64_t> error_timecode;
};

Reading Read(std::string_view body, UploadLimits limits = {}, size_t piece = SIZE_MAX,
             bool whole = true) {
  Reading out;
  UploadParser parser(limits);
  std::vector<UploadEvent> events;
  while (!body.empty() && !out.error) {
    const std::string_view input = body.substr(0, piece);
    body.remove_prefix(input.size());
    out.error = parser.Feed(AsBytes(input), events);
  }
  if (!out.error && whole) out.error = parser.Finish(events);
  out.error_timecode = parser.open_timecode();
  for (UploadEvent& event : events) {
    if (auto* begins = std::get_if<UploadBegins>(&event)) out.begun.push_back(begins->timecode);
    if (auto* fragment = std::get_if<UploadFragment>(&event))
      out.fragments.push_back(std::move(*fragment));
  }
  return out;
}

std::optional<UploadFault> FaultOf(const Reading& reading) {
  return reading.error ? std::optional(reading.error->fault) : std::nullopt;
}

std::string BodyOf(const UploadFragment& fragment) {
  return std::string(fragment.body.Flatten().text());
}

TEST(UploadParser, AClusterOfUnknownSizeIsAFragmentByteForByteWithTheTagsBehindIt) {
  UploadBody cluster;
  cluster.Cluster(1000).Element(0xA7, std::string(1, '\0')).Frame(1, 0, true, "picture");
  cluster.Frame(1, 40, false, "next");
  UploadBody tag;
  tag.Tag("site", "gate-3");
  UploadBody body;
  body.Start().Add(cluster.text()).Add(tag.text()).Cluster(2000).Frame(1, 0, true, "x");
  const Reading reading = Read(body.text());
  ASSERT_FALSE(reading.error) << reading.error->message;
  ASSERT_EQ(reading.fragments.size(), 2u);
  const UploadFragment& first = reading.fragments[0];
  const std::string bytes = BodyOf(first);
  ASSERT_EQ(bytes.substr(0, cluster.text().size()), cluster.text());
  EXPECT_THAT(bytes.substr(cluster.text().size()), HasSubstr("gate-3"));
  ASSERT_EQ(first.blocks.size(), 2u);
  EXPECT_EQ(bytes.substr(first.blocks[0].offset, first.blocks[0].size), "picture");
  EXPECT_EQ(bytes.substr(first.blocks[1].offset, first.blocks[1].size), "next");
  EXPECT_TRUE(first.blocks[0].key);
  EXPECT_EQ(first.blocks[1].time, 1040);
  EXPECT_EQ(first.header->tracks[0].why_unplayable, "");
  EXPECT_EQ(first.header->playable.tracks[0].width, 320u);
  EXPECT_EQ(reading.begun, (std::vector<uint64_t>{1000, 2000}));
}

TEST(UploadParser, TheHeaderIsTheProducersWithoutWhatOnlyItsFileCanUse) {
  UploadBody body;
  body.Ebml().Open(ebml::kSegment).Element(ebml::kSeekHead, "seek").Element(ebml::kVoid, "void");
  UploadBody kept;
  kept.Info().Tracks().Tag("ENCODER", "x");
  body.Add(kept.text()).Element(ebml::kCues, "cues").Cluster(0).Frame(1, 0, true, "x");
  const Reading reading = Read(body.text());
  ASSERT_EQ(reading.fragments.size(), 1u);
  UploadBody head;
  head.Ebml();
  EXPECT_EQ(reading.fragments[0].header->document.text(),
            head.text() + "\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + kept.text());
}

TEST(UploadParser, TheEndOfFragmentTagEndsItAtOnceAndIsNotKept) {
  UploadBody body;
  body.Start().Cluster(7).Frame(1, 0, true, "x").Tag("a", "b").EndOfFragment();
  const Reading reading = Read(body.text(), {}, SIZE_MAX, false);
  ASSERT_EQ(reading.fragments.size(), 1u);
  EXPECT_EQ(BodyOf(reading.fragments[0]).find("END_OF_FRAGMENT"), std::string::npos);
  body.Frame(1, 40, false, "late");
  EXPECT_EQ(FaultOf(Read(body.text())), UploadFault::kInvalid);
}

TEST(UploadParser, NobodyWritesTheTagsThatWeWrite) {
  UploadBody body;
  body.Start().Cluster(7).Frame(1, 0, true, "x");
  body.Tag("AWS_KINESISVIDEO_FRAGMENT_NUMBER", "1").Tag("AWS_KINESISVIDEO_NOTIFICATION", "");
  const Reading reading = Read(body.text());
  ASSERT_EQ(reading.fragments.size(), 1u);
  EXPECT_EQ(BodyOf(reading.fragments[0]).find("FRAGMENT_NUMBER"), std::string::npos);
  EXPECT_THAT(BodyOf(reading.fragments[0]), HasSubstr("AWS_KINESISVIDEO_NOTIFICATION"));
}

TEST(UploadParser, AFragmentSaysWhetherItsProducerAsksForANotificationOfIt) {
  UploadBody body;
  body.Start().Cluster(7).Frame(1, 0, true, "x").Tag("AWS_KINESISVIDEO_NOTIFICATION", "");
  body.Tag("a", "b").Cluster(8).Frame(1, 0, true, "y").Tag("a", "b");
  const Reading reading = Read(body.text());
  ASSERT_EQ(reading.fragments.size(), 2u);
  EXPECT_TRUE(reading.fragments[0].asks_notification);
  EXPECT_FALSE(reading.fragments[1].asks_notification);
}

TEST(UploadParser, KnownSizesAndBlockGroupsAreTaken) {
  UploadBody group;
  group.Block(ebml::kBlock, 1, 0, 0, "key").Uint(ebml::kBlockDuration, 40);
  UploadBody refers;
  refers.Block(ebml::kBlock, 1, 40, 0, "other").Uint(ebml::kReferenceBlock, 40);
  UploadBody cluster;
  cluster.Uint(ebml::kTimestamp, 5).Element(ebml::kBlockGroup, group.text());
  cluster.Element(ebml::kBlockGroup, refers.text());
  UploadBody segment;
  segment.Info().Tracks().Element(ebml::kCluster, cluster.text());
  UploadBody body;
  body.Ebml().Element(ebml::kSegment, segment.text());
  const Reading reading = Read(body.text(), {}, SIZE_MAX, false);
  ASSERT_EQ(reading.fragments.size(), 1u) << "the end of a known Segment ends its last fragment";
  const std::vector<UploadBlock>& blocks = reading.fragments[0].blocks;
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_TRUE(blocks[0].key);
  EXPECT_EQ(blocks[0].duration, 40);
  EXPECT_FALSE(blocks[1].key);
}

TEST(UploadParser, AnotherDocumentMayFollowWithOtherTracks) {
  UploadBody body;
  body.Start().Cluster(1).Frame(1, 0, true, "x");
  body.Ebml().Open(ebml::kSegment).Info().Tracks("A_VORBIS", "head").Cluster(2);
  body.Frame(1, 0, true, "y").Frame(2, 0, true, "z");
  const Reading reading = Read(body.text());
  ASSERT_FALSE(reading.error) << reading.error->message;
  ASSERT_EQ(reading.fragments.size(), 2u);
  const UploadHeader& second = *reading.fragments[1].header;
  ASSERT_EQ(second.tracks.size(), 2u);
  EXPECT_EQ(second.playable.tracks.size(), 1u);
  EXPECT_THAT(second.tracks[1].why_unplayable, HasSubstr("not played"));
}

TEST(UploadParser, EachMistakeHasItsName) {
  UploadLimits limits;
  limits.fragment_bytes = 1000;
  limits.tracks = 1;
  limits.tags = 1;
  const auto fault = [&](const UploadBody& body) { return FaultOf(Read(body.text(), limits)); };
  EXPECT_EQ(fault(UploadBody().Add("no Matroska")), UploadFault::kInvalid);
  EXPECT_EQ(fault(UploadBody().Ebml().Open(ebml::kSegment).Cluster(1)), UploadFault::kInvalid);
  EXPECT_EQ(fault(UploadBody().Start().Open(ebml::kCluster).Frame(1, 0, true, "x")),
            UploadFault::kInvalid);
  EXPECT_EQ(fault(UploadBody().Start().Open(ebml::kSegment)), UploadFault::kInvalid);
  EXPECT_EQ(fault(UploadBody().Start().Cluster(1).Block(ebml::kSimpleBlock, 1, 0, 0x82, "lace")),
            UploadFault::kInvalid);
  EXPECT_EQ(fault(UploadBody().Start().Cluster(1).Frame(2, 0, true, "x")),
            UploadFault::kUnknownTrack);
  EXPECT_EQ(fault(UploadBody().Start().Cluster(1).Frame(1, 20'001, true, "x")),
            UploadFault::kFragmentTime);
  EXPECT_EQ(fault(UploadBody().Start().Cluster(1).Frame(1, 0, true, std::string(990, 'x'))),
            UploadFault::kFragmentBytes);
  EXPECT_EQ(fault(UploadBody().Start().Cluster(1).Frame(1, 0, true, "x").Tag("a", "").Tag("b", "")),
            UploadFault::kTags);
  EXPECT_EQ(
      fault(UploadBody().Start().Cluster(1).Frame(1, 0, true, "x").Tag(std::string(129, 'n'), "")),
      UploadFault::kTags);
  EXPECT_EQ(fault(UploadBody().Start().Cluster(1)), UploadFault::kTrackMissing);
  EXPECT_EQ(fault(UploadBody().Start().Cluster(uint64_t{1} << 60)), UploadFault::kProducerTime);
  EXPECT_EQ(fault(UploadBody().Ebml().Open(ebml::kSegment).Info().Tracks("A_AAC", "").Cluster(1)),
            UploadFault::kTooManyTracks);
}

TEST(UploadParser, AFragmentWithoutATracksFrameIsTakenWhereThatIsAllowed) {
  UploadBody body;
  body.Ebml().Open(ebml::kSegment).Info().Tracks("A_AAC", "\x12\x10").Cluster(9);
  body.Frame(1, 0, true, "x");
  const Reading refused = Read(body.text());
  EXPECT_EQ(FaultOf(refused), UploadFault::kTrackMissing);
  EXPECT_EQ(refused.error_timecode, 9u);
  UploadLimits limits;
  limits.every_track = false;
  EXPECT_EQ(Read(body.text(), limits).fragments.size(), 1u);
}

TEST(UploadParser, AnyCutGivesTheSame) {
  UploadBody body;
  body.Start().Cluster(1000).Frame(1, 0, true, "picture").Tag("a", "b");
  body.Cluster(2000).Frame(1, 0, true, "other").EndOfFragment();
  const std::string text = body.text();
  const Reading whole = Read(text);
  ASSERT_EQ(whole.fragments.size(), 2u);
  for (size_t piece = 1; piece < text.size(); ++piece) {
    const Reading cut = Read(text, {}, piece);
    ASSERT_FALSE(cut.error) << piece << ": " << cut.error->message;
    ASSERT_EQ(cut.fragments.size(), 2u) << piece;
    for (size_t i = 0; i < 2; ++i)
      EXPECT_EQ(BodyOf(cut.fragments[i]), BodyOf(whole.fragments[i])) << piece;
  }
}

TEST(UploadParser, ABodyThatEndsWithinAnElementIsNoWholeOne) {
  UploadBody body;
  body.Start().Cluster(1).Frame(1, 0, true, "picture");
  const std::string text = body.text();
  EXPECT_EQ(FaultOf(Read(std::string_view(text).substr(0, text.size() - 1))),
            UploadFault::kInvalid);
}

}  // namespace
}  // namespace penstock::fragmenter
