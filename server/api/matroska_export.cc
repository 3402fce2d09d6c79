#include "server/api/matroska_export.h"

#include <algorithm>
#include <bit>

#include "base/byte_io.h"
#include "fragmenter/ebml/ids.h"
#include "fragmenter/media.h"
#include "fragmenter/upload/elements.h"

namespace penstock::server {
namespace {

namespace ebml = fragmenter::ebml;

// A cluster's Timestamp comes first, or behind a checksum.
constexpr size_t kLookBytes = 256;

Error Misfit() {
  return Error(ErrorCode::kCorruption, "a stored fragment does not begin with a cluster");
}

struct Vint {
  uint64_t value = 0;
  size_t bytes = 0;
  bool unknown = false;
};
Vint ReadSize(ByteReader& in) {
  Vint out;
  const auto first = in.Be<uint8_t>();
  out.bytes = static_cast<size_t>(std::countl_zero(first)) + 1;
  if (out.bytes > 8) in.Fail();
  if (!in.ok()) return out;
  const uint64_t mask = (uint64_t{1} << (7 * out.bytes)) - 1;
  out.value = (uint64_t{first} << (8 * (out.bytes - 1)) | in.BeN(out.bytes - 1)) & mask;
  out.unknown = out.value == mask;
  return out;
}

// Where a cluster's Timestamp lies.
struct Place {
  Vint size;           // the cluster's
  size_t content = 0;  // offset of the cluster's first child
  size_t element = 0;  // of the Timestamp
  size_t value = 0;    // of its value
  size_t value_bytes = 0;
};

Result<Place> FindTimestamp(ByteSpan head) {
  ByteReader in(head);
  Place place;
  if (in.Be<uint32_t>() != ebml::kCluster) return Misfit();
  place.size = ReadSize(in);
  place.content = head.size() - in.left();
  while (in.ok() && in.left() > 1) {
    place.element = head.size() - in.left();
    const auto id = in.Be<uint8_t>();
    const Vint size = ReadSize(in);
    place.value = head.size() - in.left();
    place.value_bytes = static_cast<size_t>(size.value);
    const bool small = id == ebml::kTimestamp && size.value >= 1 && size.value <= 8;
    if (in.ok() && small && size.value <= in.left()) return place;
    if (id != ebml::kCrc32 && id != ebml::kVoid) break;
    in.Skip(static_cast<size_t>(size.value));
  }
  return Misfit();
}

}  // namespace

int64_t TimestampScaleOf(ByteSpan document) {
  constexpr int64_t kDefault = 1'000'000;
  // EBML header, Segment, and in it Info: what is looked for is on the way down.
  for (;;) {
    const auto element = fragmenter::TakeElement(document);
    if (!element.ok() || !*element) return kDefault;
    if ((*element)->id == ebml::kSegment || (*element)->id == ebml::kInfo)
      document = (*element)->content;
    if ((*element)->id != ebml::kTimestampScale) continue;
    const uint64_t scale = ByteReader((*element)->content).BeN((*element)->content.size());
    return scale >= 1 && scale <= 1'000'000'000 ? static_cast<int64_t>(scale) : kDefault;
  }
}

Result<ByteChain> WithTimestamp(const ByteChain& cluster, int64_t milliseconds) {
  constexpr size_t kTimestampBytes = 8;
  const size_t head_bytes = fragmenter::kClusterTimestampOffset + kTimestampBytes;
  if (cluster.size() < head_bytes) {
    return Error(ErrorCode::kCorruption, "a stored fragment is too short to be a cluster");
  }
  ByteWriter rewritten;
  rewritten.Raw(cluster.Slice(0, fragmenter::kClusterTimestampOffset).Flatten());
  rewritten.Be<int64_t>(std::max<int64_t>(milliseconds, 0));
  ByteChain out(rewritten.Take());
  out.Append(cluster.Slice(head_bytes, cluster.size() - head_bytes));
  return out;
}

Result<ByteChain> WithUploadTimestamp(const ByteChain& cluster, int64_t time) {
  const Bytes head = cluster.Slice(0, std::min(cluster.size(), kLookBytes)).Flatten();
  PS_TRY(const Place place, FindTimestamp(head));
  const auto value = static_cast<uint64_t>(std::max<int64_t>(time, 0));
  const size_t after = place.value + place.value_bytes;
  // What stands before the time is a checksum, which would not hold any more.
  const bool fits =
      place.element == place.content && std::bit_width(value) <= 8 * place.value_bytes;
  ByteWriter out;
  if (fits) {
    out.Raw(head.span().first(place.value));
    out.BeN(value, static_cast<int>(place.value_bytes));
  } else {
    // A time of eight bytes, and a size with room for it.
    constexpr size_t kElementBytes = 10;
    out.Be(ebml::kCluster);
    const uint64_t size = place.size.value - (after - place.content) + kElementBytes;
    out.Be(place.size.unknown ? uint64_t{0x01FFFFFFFFFFFFFF} : size | uint64_t{1} << 56);
    out.Be(static_cast<uint8_t>(ebml::kTimestamp));
    out.Be<uint8_t>(0x88);
    out.Be(value);
  }
  ByteChain changed(out.Take());
  changed.Append(cluster.Slice(after, cluster.size() - after));
  return changed;
}

}  // namespace penstock::server
