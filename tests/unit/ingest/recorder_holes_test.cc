// Fragments say why nothing came before them, whoever recorded what is before them.
#include <atomic>

#include "tests/unit/ingest/recorder_fixture.h"

namespace penstock::ingest {
namespace {

using store::GapReason;
using ::testing::ElementsAre;

// Read by the store's threads, set by the test's.
class HandClock final : public Clock {
 public:
  ServerTime Now() const override { return ServerTimeFromMs(ms_.load()); }
  SteadyTime SteadyNow() const override {
    return SteadyTime(std::chrono::milliseconds(passed_ms_.load()));
  }
  void Advance(int64_t ms) {
    ms_ += ms;
    passed_ms_ += ms;
  }
  // Somebody sets the wall clock.
  void Set(int64_t by_ms) { ms_ += by_ms; }

 private:
  std::atomic<int64_t> ms_{1'768'478'400'000};
  std::atomic<int64_t> passed_ms_{3'600'000};
};

struct WithClock {
  HandClock hand_;
};

class RecorderHolesTest : protected WithClock, public RecorderTest {
 protected:
  RecorderHolesTest() : RecorderTest(hand_) {}

  std::unique_ptr<MediaSink> Publish() {
    auto sink = Begin(stream_);
    SetTrack(*sink);
    return sink;
  }
  // Seconds that take as long as they are.
  void PlayOn(MediaSink& sink, int from_second, int seconds) {
    for (int i = 0; i < seconds; ++i) {
      Play(sink, from_second + i, 1);
      Wait(1000);
    }
  }
  void Wait(int64_t ms) { hand_.Advance(ms); }
  void Break(MediaSink& sink) {
    auto end = [](MediaSink& to) -> Task<void> {
      to.Break();
      co_return;
    };
    OnLoop(end(sink));
  }
  void Lose(MediaSink& sink) {
    auto lose = [](MediaSink& to) -> Task<void> {
      to.PacketsLost(1, 3);
      co_return;
    };
    OnLoop(lose(sink));
  }
  void Leave(std::unique_ptr<MediaSink> sink) {
    End(std::move(sink));
    SyncWait(registry_->Drain());
  }
  // A publication of two seconds that comes and goes.
  void Record() {
    auto sink = Publish();
    PlayOn(*sink, 0, 2);
    Leave(std::move(sink));
  }
  // The process ends, well or by a crash, which is the same for what was noted before; another
  // begins.
  void Restart() {
    registry_.reset();
    SyncWait(store_->Close());
    store_.reset();
    SetUp();
  }
  std::vector<GapReason> Reasons() {
    std::vector<GapReason> out;
    for (const store::ItemRef& item : Items(stream_)) {
      if ((item.header.flags & store::kFlagStartsRun) != 0) out.push_back(item.header.gap_reason);
      if ((item.header.flags & store::kFlagStartsRun) == 0) {
        EXPECT_EQ(item.header.gap_reason, GapReason::kNone) << item.header.ordinal;
      }
    }
    return out;
  }
  GapReason WhyNothing() {
    const auto info = store_->GetStream(stream_);
    return registry_->WhyNothing(stream_, info->shard, Items(stream_).back().header.ordinal);
  }
};

TEST_F(RecorderHolesTest, NothingIsSaidOfTheTimeBeforeAStreamsFirstFragment) {
  auto sink = Publish();
  PlayOn(*sink, 0, 3);
  EXPECT_EQ(WhyNothing(), GapReason::kNone) << "more is on its way";
  Leave(std::move(sink));
  EXPECT_THAT(Reasons(), ElementsAre(GapReason::kNone));
}

TEST_F(RecorderHolesTest, ACameraThatComesBackWasLost) {
  auto sink = Publish();
  PlayOn(*sink, 0, 2);
  Break(*sink);
  EXPECT_EQ(WhyNothing(), GapReason::kCameraLost);
  Wait(60'000);
  // Another attempt that brings nothing.
  Break(*sink);
  PlayOn(*sink, 62, 2);
  Leave(std::move(sink));
  EXPECT_THAT(Reasons(), ElementsAre(GapReason::kNone, GapReason::kCameraLost));
}

TEST_F(RecorderHolesTest, APublisherThatComesBackHadLeft) {
  Record();
  EXPECT_EQ(WhyNothing(), GapReason::kSourceRemoved);
  Record();
  EXPECT_THAT(Reasons(), ElementsAre(GapReason::kNone, GapReason::kSourceRemoved));
}

TEST_F(RecorderHolesTest, AServerThatEndsIsWhyThePublicationEnds) {
  auto sink = Publish();
  PlayOn(*sink, 0, 2);
  registry_->Stop();
  Leave(std::move(sink));
  Restart();
  EXPECT_EQ(WhyNothing(), GapReason::kRestart);
  Record();
  EXPECT_THAT(Reasons(), ElementsAre(GapReason::kNone, GapReason::kRestart));
}

TEST_F(RecorderHolesTest, AHoleKeepsTheReasonItBeganWithOverARestartAndNoOtherHoleHasIt) {
  auto sink = Publish();
  PlayOn(*sink, 0, 2);
  Break(*sink);
  Leave(std::move(sink));
  Restart();
  EXPECT_EQ(WhyNothing(), GapReason::kCameraLost);
  sink = Publish();
  PlayOn(*sink, 0, 2);
  registry_->Stop();
  Leave(std::move(sink));
  Restart();
  EXPECT_EQ(WhyNothing(), GapReason::kRestart);
  Record();
  EXPECT_THAT(Reasons(),
              ElementsAre(GapReason::kNone, GapReason::kCameraLost, GapReason::kRestart));
}

TEST_F(RecorderHolesTest, ThatASourceWasRemovedOutweighsThatItsCameraWasLost) {
  auto sink = Publish();
  PlayOn(*sink, 0, 2);
  Break(*sink);
  Leave(std::move(sink));
  SyncWait(registry_->NoteRemoval(stream_));
  EXPECT_EQ(WhyNothing(), GapReason::kSourceRemoved);
  Restart();
  EXPECT_EQ(WhyNothing(), GapReason::kSourceRemoved);
}

TEST_F(RecorderHolesTest, WithoutAWordMediaThatStaysAwayIsACameraLostOrPacketsLost) {
  auto sink = Publish();
  // From the third on each second's fragment has its number when it begins: the shard is known.
  PlayOn(*sink, 0, 3);
  Wait(28'000);
  PlayOn(*sink, 30, 2);
  Lose(*sink);
  Wait(28'000);
  PlayOn(*sink, 60, 2);
  Leave(std::move(sink));
  EXPECT_THAT(Reasons(),
              ElementsAre(GapReason::kNone, GapReason::kCameraLost, GapReason::kPacketLoss));
}

TEST_F(RecorderHolesTest, AClockThatIsSetBackIsNoHole) {
  auto sink = Publish();
  PlayOn(*sink, 0, 2);
  hand_.Set(-3'600'000);
  PlayOn(*sink, 30, 2);
  Leave(std::move(sink));
  EXPECT_THAT(Reasons(), ElementsAre(GapReason::kNone, GapReason::kNone));
}

TEST_F(RecorderHolesTest, TheStreamOfThatNameThatWasDeletedHasNoSay) {
  auto sink = Publish();
  PlayOn(*sink, 0, 3);
  Leave(std::move(sink));
  ASSERT_TRUE(SyncWait(store_->DeleteStream(stream_)).ok());
  sink = Publish();
  PlayOn(*sink, 0, 1);
  registry_->Stop();
  Leave(std::move(sink));
  Restart();
  EXPECT_EQ(WhyNothing(), GapReason::kRestart);
}

TEST_F(RecorderHolesTest, NotesOfStreamsThatAreNoMoreGoWithTheNextStart) {
  const StreamName other = StreamName::Parse("other").value();
  for (const StreamName& name : {stream_, other}) {
    auto sink = Begin(name);
    SetTrack(*sink);
    PlayAtOnce(*sink, 0, 3);
    Leave(std::move(sink));
  }
  EXPECT_EQ(store_->catalog().Scan("hole/", "", 10).size(), 2u);
  ASSERT_TRUE(SyncWait(store_->DeleteStream(other)).ok());
  SyncWait(registry_->Start());
  EXPECT_EQ(store_->catalog().Scan("hole/", "", 10).size(), 1u);
  EXPECT_EQ(WhyNothing(), GapReason::kSourceRemoved);
}

TEST_F(RecorderHolesTest, WhenTheDiskIsTooSlowForANumberTheHoleIsOverload) {
  auto sink = Publish();
  disk_.HoldSyncs();
  // More than may wait for the stream to be made.
  PlayAtOnce(*sink, 0, 20);
  disk_.ReleaseSyncs();
  while (StatusOf(stream_).fragments_waiting > 0) std::this_thread::yield();
  Play(*sink, 20, 2);
  Leave(std::move(sink));
  EXPECT_THAT(Reasons(), ElementsAre(GapReason::kNone, GapReason::kOverload));
}

}  // namespace
}  // namespace penstock::ingest
