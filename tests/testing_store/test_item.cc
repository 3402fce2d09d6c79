#include "tests/testing_store/test_item.h"

#include <array>
#include <cstring>

#include <fmt/format.h>
#include <unistd.h>

#include "base/chunk_pool.h"
#include "base/random.h"

namespace penstock::testing {
namespace {

// Different facts of one item come from different streams of its generator.
enum Fact : uint64_t { kShape = 1, kBody = 2, kMeta = 3, kTimes = 4 };

Prng For(uint64_t seed, Fact fact) {
  Prng prng(seed * 8 + fact);
  prng.Next();
  return prng;
}

Bytes RandomBytes(uint64_t seed, Fact fact, size_t size) {
  Prng prng = For(seed, fact);
  std::vector<uint8_t> bytes(size);
  for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
    const uint64_t word = prng.Next();
    std::memcpy(bytes.data() + at, &word, std::min(sizeof(word), size - at));
  }
  return Bytes::From(std::move(bytes));
}

struct Shape {
  size_t body_bytes;
  size_t meta_bytes;
  uint64_t track_set;  // 0: none
  uint64_t layout;
  uint64_t flags;
};

Shape ShapeOf(uint64_t seed) {
  Prng prng = For(seed, kShape);
  Shape shape{};
  switch (prng.Below(12)) {
    case 0:
      shape.body_bytes = kDirectIoAlignment * (1 + prng.Below(3));
      break;
    case 1:
      shape.body_bytes = kDirectIoAlignment * (1 + prng.Below(3)) - 1;
      break;
    case 2:
      shape.body_bytes = kDirectIoAlignment * (1 + prng.Below(3)) + 1;
      break;
    case 3:
      shape.body_bytes = prng.OneIn(6) ? kChunkBytes + prng.Below(9000) : prng.Below(20'000);
      break;
    case 4:
      shape.body_bytes = 1;
      break;
    default:
      shape.body_bytes = 1 + prng.Below(3000);
      break;
  }
  shape.meta_bytes = prng.OneIn(3) ? 0 : prng.Below(300);
  shape.track_set = prng.Below(4);
  shape.layout = prng.Below(3);
  shape.flags = prng.Next();
  return shape;
}

ByteChain LayOut(const Bytes& body, uint64_t layout, Prng prng) {
  if (layout == 0) return ByteChain(body);
  if (layout == 1) {  // ready for direct I/O
    ChunkWriter writer;
    writer.Write(body.span());
    return writer.Finish();
  }
  ByteChain pieces;
  for (size_t at = 0; at < body.size();) {
    const size_t size = std::min<size_t>(body.size() - at, 1 + prng.Below(5000));
    pieces.Append(body.Slice(at, size));
    at += size;
  }
  return pieces;
}

}  // namespace

store::ItemKind TestItem::kind() const {
  return seed % 5 == 0 ? store::ItemKind::kRecord : store::ItemKind::kFragment;
}

uint32_t TestItem::flags() const {
  constexpr uint32_t kProducers = store::kFlagDamaged | store::kFlagNoKeyframe |
                                  store::kFlagClockJump | store::kFlagProducerTimeSane;
  return static_cast<uint32_t>(ShapeOf(seed).flags) & kProducers;
}

ProducerTime TestItem::producer_time() const {
  // Around 2025, in any order.
  return ProducerTimeFromUs(1'750'000'000'000'000 +
                            static_cast<int64_t>(For(seed, kTimes).Below(100'000'000'000)));
}

std::chrono::microseconds TestItem::duration() const {
  Prng prng = For(seed, kTimes);
  prng.Next();
  return std::chrono::microseconds(1 + prng.Below(10'000'000));
}

Bytes TestItem::body() const { return RandomBytes(seed, kBody, ShapeOf(seed).body_bytes); }

Bytes TestItem::meta() const { return RandomBytes(seed, kMeta, ShapeOf(seed).meta_bytes); }

Bytes TestItem::track_set() const {
  const uint64_t which = ShapeOf(seed).track_set;
  if (which == 0) return {};
  return Bytes::Copy(fmt::format("tracks {} {}", which, std::string(which * 700, 't')));
}

Bytes TestItem::track_set_meta() const {
  const uint64_t which = ShapeOf(seed).track_set;
  if (which == 0) return {};
  return Bytes::Copy(fmt::format("view of {}", which));
}

store::NewItem TestItem::Make(store::Slot slot, store::RunId run) const {
  store::NewItem item;
  item.slot = std::move(slot);
  item.kind = kind();
  item.flags = flags();
  item.run = run;
  item.producer_time = producer_time();
  item.duration = duration();
  item.track_set = track_set();
  item.track_set_meta = track_set_meta();
  item.body = LayOut(body(), ShapeOf(seed).layout, For(seed, kBody));
  item.meta = meta();
  return item;
}

std::string TestItem::Compare(const store::ItemHeader& header) const {
  const uint32_t stored_flags = header.flags & ~uint32_t{store::kFlagStartsRun};
  if (header.kind != kind()) return fmt::format("kind is {}", static_cast<int>(header.kind));
  if (stored_flags != flags())
    return fmt::format("flags are {:x} instead of {:x}", header.flags, flags());
  if (header.producer_time != producer_time()) return "producer time differs";
  if (header.duration != duration()) return "duration differs";
  if (header.body_bytes != body().size())
    return fmt::format("body has {} bytes of {}", header.body_bytes, body().size());
  if (header.meta_bytes != meta().size())
    return fmt::format("meta has {} bytes of {}", header.meta_bytes, meta().size());
  if ((header.track_set == 0) != track_set().empty()) return "has a track set or has none";
  return {};
}

std::string TestItem::Compare(const Bytes& stored_meta, const Bytes& stored_body) const {
  if (stored_meta.text() != meta().text()) return "meta differs";
  if (stored_body.text() != body().text()) return "body differs";
  return {};
}

Bytes ReadWhole(const store::ItemBytes& bytes) {
  if (const auto* chain = std::get_if<ByteChain>(&bytes.body)) return chain->Flatten();
  const auto& slice = std::get<FileSlice>(bytes.body);
  std::vector<uint8_t> out(slice.size);
  const ssize_t got =
      pread(slice.file->fd(), out.data(), out.size(), static_cast<off_t>(slice.offset));
  if (got != static_cast<ssize_t>(out.size())) out.clear();
  return Bytes::From(std::move(out));
}

}  // namespace penstock::testing
