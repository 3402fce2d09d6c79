// Sessions of MPEG-TS: what their lists name, and that it is made once.
#include "fragmenter/codec/opus.h"
#include "tests/unit/playback/hls/hls_service_fixture.h"

namespace penstock::playback {
namespace {

using testing::HasSubstr;
using testing::Not;
using TransportSessionTest = HlsServiceTest;

class TransportNames final : public EntryNames {
 public:
  std::string Init(store::TrackSetId) const override { return "init"; }
  std::string Segment(const store::ItemHeader& item, Layout) const override {
    return std::to_string(item.ordinal) + ".ts";
  }
};

TEST_F(TransportSessionTest, ASessionOfMpegTsNamesNoInitSegments) {
  AddFragments(3);
  const std::shared_ptr<const EntryNames> names = std::make_shared<TransportNames>();
  Session session;
  const auto text = [&] {
    return Text(SyncWait(service_.SessionPlaylist(name_, session, names)).value());
  };
  EXPECT_THAT(text(), HasSubstr("#EXT-X-VERSION:7\n"));
  EXPECT_THAT(text(), HasSubstr("#EXT-X-MAP"));
  session.transport = true;
  EXPECT_THAT(text(), HasSubstr("#EXT-X-VERSION:3\n"));
  EXPECT_THAT(text(), Not(HasSubstr("#EXT-X-MAP")));
  EXPECT_THAT(text(), HasSubstr("#EXTINF:2,\n2.ts\n"));
  AddGap();
  EXPECT_THAT(text(), HasSubstr("#EXT-X-VERSION:8\n"));
}

TEST_F(TransportSessionTest, ASessionOfMpegTsIsRefusedForWhatThatCannotCarry) {
  fragmenter::TrackConfig opus = AacTrack(2);
  opus.codec = fragmenter::Codec::kOpus;
  opus.codec_private = fragmenter::MakeOpusHead({});
  const fragmenter::TrackSet set{{AvcTrack(1), opus}};
  shard_->track_sets[1] = {.id = 1, .meta = fragmenter::EncodeTrackSet(set)};
  AddFragment();
  Session session;
  EXPECT_TRUE(SyncWait(service_.DescribeSession(name_, session)).ok());
  session.transport = true;
  const auto refused = SyncWait(service_.DescribeSession(name_, session));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
}

TEST_F(TransportSessionTest, TransportSegmentsAreMadeOnceAndKept) {
  AddFragments(2);
  shard_->damaged = {1};
  const auto name = [&](uint64_t ordinal) {
    return FormatHlsFileName({.kind = HlsFileName::Kind::kTransportSegment,
                              .life = LifeOf(shard_->id()),
                              .id = ordinal});
  };
  const Resource segment = Get(name(0)).value();
  EXPECT_EQ(segment.content_type, "video/mp2t");
  EXPECT_TRUE(segment.immutable);
  EXPECT_EQ(Text(segment).size() % 188, 0u);
  EXPECT_NE(segment.etag, Get(SegmentName(0)).value().etag);
  const int opens = shard_->opens;
  EXPECT_EQ(Text(Get(name(0)).value()), Text(segment));
  EXPECT_EQ(shard_->opens, opens);
  ExpectError(Get(name(1)), ErrorCode::kNotFound, "is a gap");
}

}  // namespace
}  // namespace penstock::playback
