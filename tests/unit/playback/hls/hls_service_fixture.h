// A stream in memory and the service that plays it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "playback/hls/hls_service.h"
#include "tests/unit/playback/fake_store.h"
#include "tests/unit/playback/media_builders.h"

namespace penstock::playback {

using std::chrono::milliseconds;
using Pairs = std::vector<std::pair<std::string, std::string>>;

inline constexpr int64_t kNoonMs = 1'768'478'400'000;

class HlsServiceTest : public ::testing::Test {
 protected:
  // Two seconds of video with an audio frame, received from 12:00 on.
  store::ItemHeader& AddFragment() {
    const auto n = static_cast<int64_t>(shard_->items.size());
    FragmentBuilder fragment(static_cast<uint64_t>(kNoonMs + n * 2000));
    fragment.Add({.track = 1, .key = true, .dts = n * 180'000, .duration = 180'000}, "PICTURE")
        .Add({.track = 2, .key = true, .dts = n * 96'000, .duration = 96'000}, "SOUND");
    FakeShard::Item item;
    item.meta = fragment.table.Encode();
    item.body = fragment.Finish();
    item.header.duration = milliseconds(2000);
    item.header.server_time = ServerTimeFromMs(kNoonMs + n * 2000);
    item.header.track_set = 1;
    item.header.run = 1;
    return shard_->Add(std::move(item));
  }
  void AddFragments(int count) {
    for (int i = 0; i < count; ++i) AddFragment();
  }
  void AddGap() {
    FakeShard::Item item;
    item.header.kind = store::ItemKind::kGap;
    item.header.server_time =
        ServerTimeFromMs(kNoonMs + static_cast<int64_t>(shard_->items.size()) * 2000);
    shard_->Add(std::move(item));
  }
  void SetUp() override {
    fragmenter::TrackSet set;
    set.tracks = {AvcTrack(1), AacTrack(2)};
    shard_->track_sets[1] = {.id = 1, .meta = fragmenter::EncodeTrackSet(set)};
  }

  Result<Resource> Get(std::string file, Pairs query = {}) {
    return SyncWait(service_.Get(name_, std::move(file), std::move(query)));
  }
  std::string Text(const Resource& resource) {
    return std::string(std::get<ByteChain>(resource.parts.at(0)).Flatten().text());
  }
  // As a player does, which goes where it is sent.
  std::string Playlist(Pairs query = {}) {
    const Resource resource = Get("index.m3u8", std::move(query)).value();
    if (resource.moved_to.empty()) return Text(resource);
    return Text(Get("index.m3u8", QueryOf(resource.moved_to)).value());
  }
  static Pairs QueryOf(const std::string& moved_to) {
    const std::string before = "index.m3u8?first=";
    EXPECT_TRUE(moved_to.starts_with(before)) << moved_to;
    return {{"first", moved_to.substr(before.size())}};
  }
  std::string InitName() {
    return FormatHlsFileName(
        {.kind = HlsFileName::Kind::kInit, .life = LifeOf(shard_->id()), .id = 1});
  }
  std::string SegmentName(uint64_t ordinal, Layout layout = Layout::kContiguous) {
    return FormatHlsFileName({.kind = HlsFileName::Kind::kSegment,
                              .life = LifeOf(shard_->id()),
                              .id = ordinal,
                              .layout = layout});
  }
  void ExpectError(const Result<Resource>& result, ErrorCode code, const char* text) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code(), code) << result.error().ToString();
    EXPECT_THAT(result.error().message(), ::testing::HasSubstr(text));
  }

  FakeStore store_;
  std::shared_ptr<FakeShard> shard_ = store_.AddStream("cam1");
  const StreamName name_ = StreamName::Parse("cam1").value();
  SimulatedClock clock_{ServerTimeFromMs(kNoonMs + 86'400'000)};
  HlsService service_{store_, clock_};
};

}  // namespace penstock::playback
