// What a publication leaves in the store, whatever the disk does.
#include "ingest/recorder.h"

#include <fmt/format.h>

#include "tests/unit/ingest/recorder_fixture.h"

namespace penstock::ingest {
namespace {

TEST_F(RecorderTest, PublishingCreatesTheStreamAndItsFragmentsBecomeDurableInOneRun) {
  auto sink = Begin(stream_);
  SetTrack(*sink);
  Play(*sink, 0, 6);
  End(std::move(sink));
  SyncWait(registry_->Drain());

  const std::vector<store::ItemRef> items = Items(stream_);
  ASSERT_EQ(items.size(), 6u);
  for (size_t i = 0; i < items.size(); ++i) {
    const store::ItemHeader& header = items[i].header;
    EXPECT_EQ(header.kind, store::ItemKind::kFragment);
    EXPECT_EQ(header.ordinal, i);
    EXPECT_EQ(header.run, items[0].header.number.index);
    EXPECT_EQ((header.flags & store::kFlagStartsRun) != 0, i == 0);
    EXPECT_EQ(header.duration, std::chrono::seconds(1));
  }
  EXPECT_EQ(store_->GetStream(stream_)->retention_hours, 24u);
}

TEST_F(RecorderTest, WhoAnnouncesAndSendsNothingLeavesNothing) {
  for (int i = 0; i < 1000; ++i) {
    auto sink = Begin(StreamName::Parse(fmt::format("new-{}", i)).value());
    SetTrack(*sink);
    End(std::move(sink));
  }
  SyncWait(registry_->Drain());
  EXPECT_TRUE(store_->ListStreams().empty());
  EXPECT_TRUE(registry_->GetStatus().empty());
}

// The stream is still being made while its first fragments are cut.
TEST_F(RecorderTest, TheFirstFrameOfANewStreamIsStored) {
  disk_.HoldSyncs();
  auto sink = Begin(stream_);
  SetTrack(*sink);
  PlayAtOnce(*sink, 0, 4);
  EXPECT_FALSE(store_->GetStream(stream_));
  EXPECT_EQ(StatusOf(stream_).fragments_waiting, 3u);
  // The publisher has left before anything could be stored.
  End(std::move(sink));
  disk_.ReleaseSyncs();
  SyncWait(registry_->Drain());

  const std::vector<store::ItemRef> items = Items(stream_);
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(StatusOf(stream_).fragments_dropped, 0u);
  for (const store::ItemRef& item : items) {
    EXPECT_EQ(item.header.run, items[0].header.number.index);
    const auto shard = store_->OpenShard(item.shard);
    const auto frames = fragmenter::FrameTable::Decode(SyncWait(shard->ReadMeta(item)).value());
    EXPECT_EQ(frames->frames.size(), 10u);
  }
}

TEST_F(RecorderTest, WhatIsTooMuchToWaitForANewStreamIsCountedAndEndsTheRun) {
  disk_.HoldSyncs();
  auto sink = Begin(stream_);
  SetTrack(*sink);
  PlayAtOnce(*sink, 0, 20);
  EXPECT_EQ(StatusOf(stream_).fragments_waiting, limits::kPendingFragmentsPerStreamMax);
  EXPECT_EQ(StatusOf(stream_).fragments_dropped, 19 - limits::kPendingFragmentsPerStreamMax);
  disk_.ReleaseSyncs();
  while (StatusOf(stream_).fragments_waiting > 0) std::this_thread::yield();
  Play(*sink, 20, 2);
  End(std::move(sink));
  SyncWait(registry_->Drain());
  const std::vector<store::ItemRef> items = Items(stream_);
  ASSERT_EQ(items.size(), limits::kPendingFragmentsPerStreamMax + 3);
  EXPECT_NE(items[limits::kPendingFragmentsPerStreamMax].header.run, items[0].header.run);
}

TEST_F(RecorderTest, ASecondPublisherIsRefusedAndTheFirstOneGoesOn) {
  auto sink = Begin(stream_);
  auto begin = [](PublicationRegistry& registry, StreamName name) -> Task<ErrorCode> {
    Result<std::unique_ptr<MediaSink>> second = co_await registry.Begin(name, "another");
    co_return second.ok() ? ErrorCode::kInternal : second.error().code();
  };
  EXPECT_EQ(OnLoop(begin(*registry_, stream_)), ErrorCode::kAlreadyExists);
  SetTrack(*sink);
  Play(*sink, 0, 3);
  End(std::move(sink));
  SyncWait(registry_->Drain());
  EXPECT_EQ(Items(stream_).size(), 3u);
}

TEST_F(RecorderTest, APublisherThatReturnsStartsANewRun) {
  for (int round = 0; round < 2; ++round) {
    auto sink = Begin(stream_);
    SetTrack(*sink);
    Play(*sink, 0, 2);
    End(std::move(sink));
    SyncWait(registry_->Drain());
  }
  const std::vector<store::ItemRef> items = Items(stream_);
  ASSERT_EQ(items.size(), 4u);
  EXPECT_NE(items[1].header.run, items[2].header.run);
  EXPECT_EQ(items[1].header.discontinuity_ordinal + 1, items[2].header.discontinuity_ordinal);
}

TEST_F(RecorderTest, AfterTheStreamIsDeletedThePublicationIsOver) {
  auto sink = Begin(stream_);
  SetTrack(*sink);
  Play(*sink, 0, 3);
  EXPECT_FALSE(sink->over());
  ASSERT_TRUE(SyncWait(store_->DeleteStream(stream_)).ok());
  Play(*sink, 3, 3);
  EXPECT_TRUE(sink->over());
  End(std::move(sink));
  SyncWait(registry_->Drain());
  EXPECT_TRUE(registry_->GetStatus().empty());
  sink = Begin(stream_);
  SetTrack(*sink);
  Play(*sink, 0, 3);
  EXPECT_FALSE(sink->over());
  End(std::move(sink));
  SyncWait(registry_->Drain());
  EXPECT_EQ(Items(stream_).size(), 3u);
}

TEST_F(RecorderTest, WhenTheDiskStallsWholeFragmentsAreDroppedWithAGapAndMemoryIsBounded) {
  auto sink = Begin(stream_);
  SetTrack(*sink);
  Play(*sink, 0, 2);
  disk_.HoldSyncs();
  PlayAtOnce(*sink, 2, 20);
  EXPECT_GT(StatusOf(stream_).fragments_dropped, 0u);
  EXPECT_EQ(StatusOf(stream_).status.state, SourceState::kWaiting);
  EXPECT_THAT(StatusOf(stream_).status.reason, ::testing::HasSubstr("disk too slow"));
  disk_.ReleaseSyncs();
  // The fragment that was open is cut by this and may still find too many waiting.
  Play(*sink, 22, 3);
  const uint64_t dropped = StatusOf(stream_).fragments_dropped;
  End(std::move(sink));
  SyncWait(registry_->Drain());

  const std::vector<store::ItemRef> items = Items(stream_);
  ASSERT_EQ(items.size(), 25u);
  uint64_t gaps = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(items[i].header.ordinal, i);
    // While it plays from the live window it looks like what it was, but for its flag.
    const bool dropped = (items[i].header.flags & store::kFlagDropped) != 0;
    if (items[i].header.kind != store::ItemKind::kGap && !dropped) continue;
    ++gaps;
    EXPECT_EQ(items[i].header.gap_reason, store::GapReason::kOverload);
  }
  EXPECT_EQ(gaps, dropped);
}

// What a status is made of, by the way that media takes.
class StatusTest : public RecorderTest {
 protected:
  void Announce(MediaSink& sink, bool video, bool audio) {
    auto set = [](MediaSink& to, bool with_video, bool with_audio) -> Task<void> {
      if (with_video) to.SetTrack(VideoTrack());
      if (with_audio) to.SetTrack(AudioTrack());
      co_return;
    };
    OnLoop(set(sink, video, audio));
  }
  // Ten pictures a second, none of them a key frame, and sound.
  void PlayWithoutKeys(MediaSink& sink, int from_second, int seconds, bool audio = true) {
    auto play = [](MediaSink& to, int from, int count, bool with_audio) -> Task<void> {
      for (int i = from * 10; i < (from + count) * 10; ++i) {
        to.Push(Unit(1, i, kSecond / 10));
        if (with_audio) to.Push(Unit(2, i, 4800));
      }
      co_return;
    };
    OnLoop(play(sink, from_second, seconds, audio));
  }
  void Break(MediaSink& sink) {
    auto end = [](MediaSink& to) -> Task<void> {
      to.Break();
      co_return;
    };
    OnLoop(end(sink));
  }
  SourceStatus Now() { return StatusOf(stream_).status; }

 private:
  static TrackConfig AudioTrack() {
    TrackConfig config;
    config.number = 2;
    config.codec = fragmenter::Codec::kAac;
    config.codec_private = Bytes::Copy(std::string_view("\x11\x90", 2));
    config.clock_rate = 48'000;
    config.sample_rate = 48'000;
    config.channels = 2;
    return config;
  }
  static AccessUnit Unit(uint32_t track, int i, int64_t ticks) {
    AccessUnit unit;
    unit.track = track;
    unit.pts = i * ticks;
    unit.duration = ticks;
    unit.key = track == 2;
    unit.data = Bytes::Copy(std::string_view("\0\0\0\x02\x41\x9a", 6));
    unit.received = ServerTimeFromMs(1'768'478'400'000 + i * 100);
    return unit;
  }
};

TEST_F(StatusTest, SoundDoesNotPassForTheKeyFrameThatIsMissing) {
  auto sink = Begin(stream_);
  Announce(*sink, true, true);
  PlayWithoutKeys(*sink, 0, 8);
  EXPECT_EQ(Now().state, SourceState::kWaiting);
  EXPECT_THAT(Now().reason, ::testing::StartsWith("no key frame for "));
  // At the maximum they are stored without one.
  PlayWithoutKeys(*sink, 8, 16);
  while (StatusOf(stream_).fragments_stored == 0) std::this_thread::yield();
  EXPECT_EQ(Now().state, SourceState::kRecording);
  EXPECT_THAT(Now().reason, ::testing::EndsWith(": recorded without, not playable from any point"));
  End(std::move(sink));
  SyncWait(registry_->Drain());
  for (const store::ItemRef& item : Items(stream_))
    EXPECT_NE(item.header.flags & store::kFlagNoKeyframe, 0u);
}

TEST_F(StatusTest, ACameraThatComesBackWithoutSoundIsNotAskedForIt) {
  auto sink = Begin(stream_);
  Announce(*sink, true, true);
  PlayWithoutKeys(*sink, 0, 2);
  ASSERT_EQ(StatusOf(stream_).tracks.size(), 2u);
  Break(*sink);
  EXPECT_TRUE(StatusOf(stream_).tracks.empty());
  EXPECT_THAT(Now().reason, ::testing::StartsWith("connected, no media"));
  PlayWithoutKeys(*sink, 2, 2, false);
  ASSERT_EQ(StatusOf(stream_).tracks.size(), 1u);
  EXPECT_EQ(StatusOf(stream_).tracks[0].description, "H.264 320x180");
  EXPECT_EQ(StatusOf(stream_).tracks[0].units, 40u) << "counted over all connections";
  EXPECT_THAT(Now().reason, ::testing::StartsWith("no key frame for "));
  End(std::move(sink));
}

TEST_F(StatusTest, ADiskThatWasFullIsForgottenWithTheConnection) {
  auto sink = Begin(stream_);
  SetTrack(*sink);
  Play(*sink, 0, 2);
  disk_.SetCapacity(1);
  const auto full = [&] { return Now().reason.find("disk full") != std::string::npos; };
  for (int i = 0; i < 200 && !full(); ++i) Play(*sink, 2 + i, 1, 100'000);
  ASSERT_TRUE(full()) << Now().reason;
  registry_->Report(stream_, {.state = SourceState::kFailed, .reason = "no connection to camera"});
  EXPECT_EQ(Now().reason, "no connection to camera");
  Break(*sink);
  registry_->Report(stream_, {.state = SourceState::kRecording, .reason = ""});
  EXPECT_FALSE(full()) << Now().reason;
  // It still is: the next fragment says so.
  for (int i = 0; i < 20 && !full(); ++i) Play(*sink, 300 + i, 1, 100'000);
  EXPECT_TRUE(full()) << Now().reason;
  disk_.SetCapacity(1u << 30);
  End(std::move(sink));
}

TEST_F(RecorderTest, AFullDiskIsSaidInWordsAndRecordingResumesByItself) {
  auto sink = Begin(stream_);
  SetTrack(*sink);
  Play(*sink, 0, 2);
  disk_.SetCapacity(1);
  // More than what was preallocated, so that it must notice.
  Play(*sink, 2, 12, 100'000);
  const auto full = [&] {
    return StatusOf(stream_).status.reason.find("disk full") != std::string::npos;
  };
  for (int i = 0; i < 200 && !full(); ++i) Play(*sink, 14 + i, 1, 100'000);
  EXPECT_TRUE(full()) << StatusOf(stream_).status.reason;
  const size_t before = Items(stream_).size();

  disk_.SetCapacity(1u << 30);
  const auto recording = [&] { return StatusOf(stream_).status.state == SourceState::kRecording; };
  for (int i = 0; i < 2000 && !recording(); ++i) Play(*sink, 300 + i, 1);
  EXPECT_TRUE(recording()) << StatusOf(stream_).status.reason;
  End(std::move(sink));
  SyncWait(registry_->Drain());
  const std::vector<store::ItemRef> items = Items(stream_);
  EXPECT_GT(items.size(), before);
  for (size_t i = 0; i < items.size(); ++i) EXPECT_EQ(items[i].header.ordinal, i);
}

}  // namespace
}  // namespace penstock::ingest
