// No frame may cost a large allocation: memory that grows with the picture size, once per frame and
// camera, is what fragments the heap of a server that runs for months.
#include <atomic>
#include <cerrno>

#include <dlfcn.h>

#include "fragmenter/fragmenter.h"
#include "ingest/rtsp/framer.h"
#include "ingest/rtsp/track_receiver.h"
#include "ingest/rtsp/udp_track.h"
#include "tests/unit/fragmenter/media_clip.h"
#include "tests/unit/ingest/rtsp/fake_camera.h"

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}

namespace {

constexpr size_t kLarge = 64 * 1024;
std::atomic<bool> counting{false};
std::atomic<uint64_t> large{0};
std::atomic<uint64_t> all{0};

void Note(size_t size) {
  if (!counting.load(std::memory_order_relaxed)) return;
  all.fetch_add(1, std::memory_order_relaxed);
  if (size > kLarge) large.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

extern "C" {
void* malloc(size_t size) {
  Note(size);
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  Note(count * size);
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  Note(size);
  return __libc_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  Note(size);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, size_t alignment, size_t size) {
  Note(size);
  *out = __libc_memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}
}

namespace penstock::fragmenter {
namespace {

using ingest::rtsp::FakeUdpSocket;

// Where a session delivers, without a store behind.
class FragmenterSink final : public ingest::MediaSink {
 public:
  explicit FragmenterSink(Fragmenter& to) : to_(to) {}
  void SetTrack(TrackConfig config) override { to_.SetTrack(std::move(config)); }
  void SenderReport(uint32_t track, int64_t pts, ProducerTime at, ServerTime received) override {
    to_.SenderReport(track, pts, at, received);
  }
  void StartsAt(uint32_t track, int64_t pts) override { to_.StartsAt(track, pts); }
  void Push(AccessUnit unit) override {
    ++units;
    ASSERT_TRUE(to_.Push(std::move(unit)).ok());
  }
  void PacketsLost(uint32_t, uint64_t count) override { lost += count; }
  void Break() override { to_.Break(); }

  size_t units = 0;
  uint64_t lost = 0;

 private:
  Fragmenter& to_;
};

// About 2 Mbit/s: fragments of 500 KB made of frames of 10 KB, key frames below 64 KB.
testing::RtpClip TwoMegabits(const std::string& folder) {
  const std::string clip = testing::MakeClip(
      folder, "clip",
      std::string(testing::kH264) + " -b:v 2000k -maxrate 2000k -bufsize 400k -tune zerolatency",
      "", "1280x720", 8);
  for (const testing::ClipPacket& packet : testing::Packets(clip)) EXPECT_LT(packet.size, kLarge);
  return testing::PayH264(clip);
}

// The packet as it comes in another round of the clip: times and numbers go on.
Bytes InRound(const testing::RtpClip& rtp, size_t index, uint32_t round) {
  const Bytes& packet = rtp.packets[index];
  std::vector<uint8_t> bytes(packet.data(), packet.data() + packet.size());
  const auto sequence = static_cast<uint16_t>(index + round * rtp.packets.size());
  const auto timestamp = static_cast<uint32_t>(testing::TimestampOf(packet)) + round * 8 * 90'000;
  for (size_t i = 0; i < 2; ++i) bytes[2 + i] = static_cast<uint8_t>(sequence >> (8 - 8 * i));
  for (size_t i = 0; i < 4; ++i) bytes[4 + i] = static_cast<uint8_t>(timestamp >> (24 - 8 * i));
  return Bytes::From(std::move(bytes));
}

// From what a socket brought to clusters, the way of a pulled camera.
class ReceivePathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ingest::rtsp::SdpMedia media;
    media.type = "video";
    media.protocol = "RTP/AVP";
    media.encoding = rtp_.format.encoding_name;
    media.payload_type = 96;
    media.clock_rate = rtp_.format.clock_rate;
    receiver_ =
        ingest::rtsp::TrackReceiver::Make(ingest::rtsp::GstDepayloaders(), media, 1).value();
  }
  void OnRtp(const Bytes& packet) {
    const int64_t ms = testing::TimestampOf(packet) / 90;
    receiver_->OnRtp(packet, SteadyTime(std::chrono::milliseconds(ms)),
                     ServerTimeFromMs(1'768'478'400'000 + ms));
  }
  void ExpectNoLargeOne() {
    EXPECT_GE(sink_.units, 195u);
    EXPECT_EQ(sink_.lost, 0u);
    EXPECT_GT(bytes_, 2'000'000u);
    EXPECT_GT(all.load(), 0u);
    EXPECT_EQ(large.load(), 0u);
  }
  // The first round warms up what is allocated once, as below.
  void Begin() {
    sink_.units = 0;
    bytes_ = 0;
    all = 0;
    large = 0;
  }

  penstock::testing::TempDir dir_;
  testing::RtpClip rtp_ = TwoMegabits(dir_.path().string());
  uint64_t bytes_ = 0;
  Fragmenter fragmenter_{CutPolicy(), [this](Fragment f) { bytes_ += f.cluster.size(); }};
  FragmenterSink sink_{fragmenter_};
  std::unique_ptr<ingest::rtsp::TrackReceiver> receiver_;
};

TEST_F(ReceivePathTest, NoAllocationOver64KbPerFrameFromATcpConnectionToACluster) {
  receiver_->Start(sink_, true);
  for (uint32_t round = 0; round < 2; ++round) {
    std::string wire;
    for (size_t i = 0; i < rtp_.packets.size(); ++i)
      wire += ingest::rtsp::InterleavedFrame(0, InRound(rtp_, i, round)).text();
    ingest::rtsp::Framer framer;
    Begin();
    counting = round == 1;
    // As a busy connection is read: whatever there is.
    for (size_t at = 0; at < wire.size();) {
      const std::span<uint8_t> room = framer.WritableSpan();
      const size_t n = std::min({room.size(), wire.size() - at, size_t{20'000}});
      std::memcpy(room.data(), wire.data() + at, n);
      framer.Commit(n);
      at += n;
      for (auto frame = framer.Next(); frame.value(); frame = framer.Next())
        OnRtp(std::get<ingest::rtsp::Interleaved>(*frame.value()).payload);
    }
    counting = false;
  }
  ExpectNoLargeOne();
}

TEST_F(ReceivePathTest, NoAllocationOver64KbPerFrameFromAUdpSocketToACluster) {
  receiver_->Start(sink_, false);
  SimulatedClock clock{ServerTimeFromMs(1'768'478'400'000)};
  SimulatedExecutor executor{clock};
  const auto rtp_end = std::make_shared<FakeUdpSocket::State>();
  const auto rtcp_end = std::make_shared<FakeUdpSocket::State>();
  ingest::rtsp::UdpTrack track(
      {std::make_unique<FakeUdpSocket>(rtp_end), std::make_unique<FakeUdpSocket>(rtcp_end)});
  TaskGroup tasks;
  executor.Post(
      [&] { track.Start(tasks, "10.0.0.7", "", [&](Bytes packet, bool) { OnRtp(packet); }); });
  executor.RunUntilIdle();
  for (uint32_t round = 0; round < 2; ++round) {
    Begin();
    counting = round == 1;
    for (size_t i = 0; i < rtp_.packets.size(); ++i) {
      executor.Post([&, i, round] { rtp_end->Deliver(InRound(rtp_, i, round), "10.0.0.7"); });
      executor.RunUntilIdle();
    }
    counting = false;
  }
  executor.Post([&] { track.Close(); });
  executor.RunUntilIdle();
  EXPECT_EQ(tasks.running(), 0u);
  ExpectNoLargeOne();
}

TEST(AllocationsTest, NoAllocationOver64KbPerFrameOnTheWayToACluster) {
  const penstock::testing::TempDir dir;
  const testing::RtpClip rtp = TwoMegabits(dir.path().string());

  size_t fragments = 0;
  uint64_t bytes = 0;
  size_t units = 0;
  Fragmenter fragmenter(CutPolicy(), [&](Fragment fragment) {
    ++fragments;
    bytes += fragment.cluster.size();
  });
  gst::Depayloader::Callbacks callbacks;
  callbacks.on_config = [&](TrackConfig config) { fragmenter.SetTrack(std::move(config)); };
  callbacks.on_unit = [&](AccessUnit unit) {
    ++units;
    ASSERT_TRUE(fragmenter.Push(std::move(unit)).ok());
  };
  auto depayloader = gst::Depayloader::Make(rtp.format, 1, callbacks).value();

  const auto play = [&](int64_t offset) {
    for (const Bytes& packet : rtp.packets) {
      const int64_t timestamp = testing::TimestampOf(packet) + offset;
      depayloader->Push(packet, timestamp, false,
                        ServerTimeFromMs(1'768'478'400'000 + timestamp / 90));
    }
  };
  // The first round warms up what is allocated once: element state, the chunk pool, vectors that
  // keep their capacity.
  play(0);
  units = 0;
  all = 0;
  large = 0;
  counting = true;
  play(8 * 90'000);
  counting = false;

  EXPECT_GE(units, 195u);
  EXPECT_GE(fragments, 6u);
  EXPECT_GT(bytes, 2'000'000u);
  EXPECT_GT(all.load(), 0u);
  EXPECT_EQ(large.load(), 0u);
}

}  // namespace
}  // namespace penstock::fragmenter
