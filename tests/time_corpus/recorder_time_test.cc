// Bad cameras through the recorder into the store: numbers, flags, lookups, counters.
#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

#include "base/metrics.h"
#include "ingest/publication_registry.h"
#include "net/event_loop.h"
#include "tests/testing_store/fault_disk.h"
#include "tests/time_corpus/bad_camera.h"

namespace penstock::time_corpus {
namespace {

using ingest::MediaSink;
using store::ItemHeader;

uint64_t Counted(std::string_view reason) {
  return metrics::GetCounter("penstock_clock_anomalies_total", "",
                             "reason=\"" + std::string(reason) + "\"")
      .value();
}

// Runs one thing on the loop, as a session would, and waits for it.
Task<void> Call(std::function<void()> fn) {
  fn();
  co_return;
}

class RecorderTimeTest : public ::testing::Test, public Listener {
 protected:
  RecorderTimeTest() : clock_(ServerTimeFromMs(kStartMs)) {
    store::StoreOptions options;
    options.directory = "/store";
    options.segment_bytes = 4u << 20;
    store_ = store::Store::Open(options, disk_, clock_).value();
    registry_ =
        std::make_unique<ingest::PublicationRegistry>(*store_, clock_, ingest::RecordingOptions());
  }
  ~RecorderTimeTest() override {
    SyncWait(registry_->Drain());
    registry_.reset();
    SyncWait(store_->Close());
  }

  void OnLoop(std::function<void()> fn) {
    auto run = [](net::EventLoop& loop, std::function<void()> call) -> Task<void> {
      co_await RunOn(loop, Call(std::move(call)));
    };
    SyncWait(run(loops_[0], std::move(fn)));
  }

  void Record(const BadCamera& camera) {
    auto begin = [](ingest::PublicationRegistry& registry, StreamName name,
                    net::EventLoop& loop) -> Task<std::unique_ptr<MediaSink>> {
      auto inner = [](ingest::PublicationRegistry& r,
                      StreamName n) -> Task<std::unique_ptr<MediaSink>> {
        Result<std::unique_ptr<MediaSink>> sink = co_await r.Begin(n, "a test");
        co_return std::move(sink).value();
      };
      co_return co_await RunOn(loop, inner(registry, name));
    };
    sink_ = SyncWait(begin(*registry_, stream_, loops_[0]));
    Play(camera, *this);
    OnLoop([this] { sink_.reset(); });
    SyncWait(registry_->Drain());
    shard_ = store_->OpenShard(store_->GetStream(stream_)->shard);
  }

  void OnTrack(fragmenter::TrackConfig config) override {
    OnLoop([&] { sink_->SetTrack(std::move(config)); });
  }
  void OnReport(uint32_t track, int64_t pts, ProducerTime producer, ServerTime received) override {
    OnLoop([&] { sink_->SenderReport(track, pts, producer, received); });
  }
  void OnUnit(fragmenter::AccessUnit unit) override {
    OnLoop([&] { sink_->Push(std::move(unit)); });
  }
  // The disk keeps up.
  void OnSecond(ServerTime) override {
    while (registry_->GetStatus().at(0).fragments_waiting > 0) std::this_thread::yield();
  }
  void OnTime(Us t, ServerTime wall) override {
    OnLoop([&] {
      clock_.Advance(std::chrono::milliseconds((t - now_) / kMs));
      now_ += (t - now_) / kMs * kMs;
      clock_.SetWall(wall);
    });
  }

  std::vector<ItemHeader> Items() {
    std::vector<ItemHeader> out;
    const auto refs = SyncWait(shard_->Find(store::FromOldest(), 1000)).value();
    for (const store::ItemRef& ref : refs) out.push_back(ref.header);
    return out;
  }
  uint64_t FirstOf(store::Selector from) {
    const auto found = SyncWait(shard_->Find(from, 1)).value();
    return found.empty() ? UINT64_MAX : found[0].header.ordinal;
  }
  static ServerTime Server(Us t) { return ServerTimeFromMs(kStartMs + t / kMs); }
  static ProducerTime Producer(Us t) { return ProducerTimeFromUs(kStartMs * 1000 + t); }

  void ExpectOneRun(const std::vector<ItemHeader>& items) {
    ASSERT_EQ(items.size(), 30u);
    for (size_t i = 0; i < items.size(); ++i) {
      EXPECT_EQ(items[i].ordinal, i);
      EXPECT_EQ(items[i].run, items[0].run);
      EXPECT_EQ(items[i].duration, std::chrono::seconds(2));
      if (i > 0) {
        EXPECT_GT(items[i].number, items[i - 1].number);
      }
    }
  }

  const StreamName stream_ = StreamName::Parse("cam").value();
  testing::FaultDisk disk_;
  SimulatedClock clock_;
  net::EventLoops loops_{1};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ingest::PublicationRegistry> registry_;
  std::unique_ptr<MediaSink> sink_;
  std::shared_ptr<store::Shard> shard_;
  Us now_ = 0;
};

TEST_F(RecorderTimeTest, AServerClockSetBackEndsNoRunAndBothItsTimesAreFound) {
  BadCamera camera;
  camera.server_clock = [](Us t) { return t < 31 * kSec ? t : t - kHour; };
  camera.wall = [](Us) { return std::nullopt; };
  const uint64_t before = Counted("server_clock_set");
  Record(camera);
  const std::vector<ItemHeader> items = Items();
  ExpectOneRun(items);
  EXPECT_EQ(Counted("server_clock_set"), before + 1);
  EXPECT_EQ(std::ranges::count_if(
                items, [](const auto& item) { return (item.flags & store::kFlagClockJump) != 0; }),
            1);
  EXPECT_EQ(FirstOf(store::FromServerTime{Server(11 * kSec)}), 5u);
  EXPECT_EQ(FirstOf(store::FromServerTime{Server(45 * kSec - kHour)}), 22u);
  EXPECT_EQ(FirstOf(store::FromProducerTime{Producer(45 * kSec - kHour)}), 22u);
}

TEST_F(RecorderTimeTest, AServerClockSetForwardEndsNoRunEither) {
  BadCamera camera;
  camera.server_clock = [](Us t) { return t < 31 * kSec ? t : t + kHour; };
  camera.wall = [](Us) { return std::nullopt; };
  Record(camera);
  ExpectOneRun(Items());
  EXPECT_EQ(FirstOf(store::FromServerTime{Server(11 * kSec)}), 5u);
  EXPECT_EQ(FirstOf(store::FromServerTime{Server(45 * kSec + kHour)}), 22u);
}

TEST_F(RecorderTimeTest, ACameraThatSetsItsClockBackIsFoundByItsOwnTimeBeforeAndAfter) {
  BadCamera camera;
  camera.wall = [](Us t) { return std::optional(t < 31 * kSec ? t : t - 5 * kMinute); };
  const uint64_t before = Counted("report_jump");
  Record(camera);
  const std::vector<ItemHeader> items = Items();
  ExpectOneRun(items);
  EXPECT_EQ(Counted("report_jump"), before + 2);  // one of each track
  EXPECT_EQ(FirstOf(store::FromProducerTime{Producer(11 * kSec)}), 5u);
  EXPECT_EQ(FirstOf(store::FromProducerTime{Producer(51 * kSec - 5 * kMinute)}), 25u);
  EXPECT_EQ(FirstOf(store::FromServerTime{Server(51 * kSec)}), 25u);
  EXPECT_NE(items.back().flags & store::kFlagProducerTimeSane, 0u);
}

}  // namespace
}  // namespace penstock::time_corpus
