// No frame may cost a large allocation: memory that grows with the picture size, once per frame and
// camera, is what fragments the heap of a server that runs for months.
#include <atomic>
#include <cerrno>

#include <dlfcn.h>

#include "fragmenter/fragmenter.h"
#include "tests/unit/fragmenter/media_clip.h"

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

TEST(AllocationsTest, NoAllocationOver64KbPerFrameOnTheWayToACluster) {
  const penstock::testing::TempDir dir;
  // About 2 Mbit/s: fragments of 500 KB made of frames of 10 KB, key frames below 64 KB.
  const std::string clip = testing::MakeClip(
      dir.path().string(), "clip",
      std::string(testing::kH264) + " -b:v 2000k -maxrate 2000k -bufsize 400k -tune zerolatency",
      "", "1280x720", 8);
  const testing::RtpClip rtp = testing::PayH264(clip);
  for (const testing::ClipPacket& packet : testing::Packets(clip)) ASSERT_LT(packet.size, kLarge);

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
