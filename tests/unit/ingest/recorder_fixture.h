// A recorder on the shipping store, over a disk that stalls and fills when it is told to.
#pragma once

#include <gtest/gtest.h>

#include "base/limits.h"
#include "ingest/publication_registry.h"
#include "net/event_loop.h"
#include "tests/testing_store/fault_disk.h"

namespace penstock::ingest {

using fragmenter::AccessUnit;
using fragmenter::TrackConfig;
using penstock::testing::FaultDisk;

inline constexpr int64_t kSecond = 90'000;

inline TrackConfig VideoTrack() {
  // avcC of a 320x180 Constrained Baseline picture, level 1.3: version, profile, level, 4-byte
  // lengths, one SPS, one PPS.
  static constexpr uint8_t kAvcc[] = {0x01, 0x42, 0xc0, 0x0d, 0xff, 0xe1, 0x00, 0x09,
                                      0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x06, 0x7e,
                                      0x5c, 0x01, 0x00, 0x04, 0x68, 0xce, 0x3c, 0x80};
  TrackConfig config;
  config.number = 1;
  config.codec = fragmenter::Codec::kH264;
  config.codec_private = Bytes::Copy(ByteSpan(kAvcc));
  config.clock_rate = 90'000;
  config.width = 320;
  config.height = 180;
  return config;
}

class RecorderTest : public ::testing::Test {
 protected:
  explicit RecorderTest(Clock& clock = SystemClock()) : clock_(clock) {}
  void SetUp() override {
    store::StoreOptions options;
    options.directory = "/store";
    options.segment_bytes = 4u << 20;
    store_ = store::Store::Open(options, disk_, clock_).value();
    registry_ = std::make_unique<PublicationRegistry>(*store_, clock_, RecordingOptions());
  }
  void TearDown() override {
    SyncWait(registry_->Drain());
    registry_.reset();
    SyncWait(store_->Close());
  }

  // Runs on the loop, as a session would, and waits for it.
  template <class T>
  T OnLoop(Task<T> task) {
    auto run = [](net::EventLoop& loop, Task<T> inner) -> Task<T> {
      if constexpr (std::is_void_v<T>) {
        co_await RunOn(loop, std::move(inner));
      } else {
        co_return co_await RunOn(loop, std::move(inner));
      }
    };
    return SyncWait(run(loops_[0], std::move(task)));
  }

  std::unique_ptr<MediaSink> Begin(const StreamName& stream) {
    auto begin = [](PublicationRegistry& registry,
                    StreamName name) -> Task<std::unique_ptr<MediaSink>> {
      Result<std::unique_ptr<MediaSink>> sink = co_await registry.Begin(name, "a test");
      co_return std::move(sink).value();
    };
    return OnLoop(begin(*registry_, stream));
  }

  // Seconds of 10 pictures each, the first of each second a key frame.
  void PlayAtOnce(MediaSink& sink, int from_second, int seconds, size_t frame_bytes = 2000) {
    auto play = [](MediaSink& to, int from, int count, size_t bytes) -> Task<void> {
      for (int i = from * 10; i < (from + count) * 10; ++i) {
        AccessUnit unit;
        unit.track = 1;
        unit.pts = i * kSecond / 10;
        unit.duration = kSecond / 10;
        unit.key = i % 10 == 0;
        std::vector<uint8_t> data(bytes, static_cast<uint8_t>(i));
        // One length-prefixed NAL unit.
        const auto length = static_cast<uint32_t>(bytes - 4);
        for (int b = 0; b < 4; ++b)
          data[static_cast<size_t>(b)] = static_cast<uint8_t>(length >> (24 - 8 * b));
        data[4] = unit.key ? 0x65 : 0x41;
        unit.data = Bytes::From(std::move(data));
        unit.received = ServerTimeFromMs(1'768'478'400'000 + i * 100);
        to.Push(std::move(unit));
      }
      co_return;
    };
    OnLoop(play(sink, from_second, seconds, frame_bytes));
  }

  // The same at the pace of the disk: each fragment has ended, well or not, before the next second
  // comes.
  void Play(MediaSink& sink, int from_second, int seconds, size_t frame_bytes = 2000) {
    for (int i = 0; i < seconds; ++i) {
      PlayAtOnce(sink, from_second + i, 1, frame_bytes);
      while (StatusOf(stream_).fragments_waiting > 0) std::this_thread::yield();
    }
  }

  void SetTrack(MediaSink& sink) {
    auto set = [](MediaSink& to) -> Task<void> {
      to.SetTrack(VideoTrack());
      co_return;
    };
    OnLoop(set(sink));
  }

  void End(std::unique_ptr<MediaSink> sink) {
    auto end = [](std::unique_ptr<MediaSink>& going) -> Task<void> {
      going.reset();
      co_return;
    };
    OnLoop(end(sink));
  }

  std::vector<store::ItemRef> Items(const StreamName& stream) {
    const auto shard = store_->OpenShard(store_->GetStream(stream)->shard);
    return SyncWait(shard->Find(store::FromOldest(), 1000)).value();
  }

  PublicationStatus StatusOf(const StreamName& stream) {
    for (PublicationStatus& status : registry_->GetStatus()) {
      if (status.stream == stream) return status;
    }
    ADD_FAILURE() << "no status of " << stream.text();
    return PublicationStatus{
        .stream = stream, .kind = {}, .from = {}, .status = {}, .since = {}, .tracks = {}};
  }

  Clock& clock_;
  const StreamName stream_ = StreamName::Parse("cam").value();
  FaultDisk disk_;
  net::EventLoops loops_{1};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<PublicationRegistry> registry_;
};

}  // namespace penstock::ingest
