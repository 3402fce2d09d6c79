// The constants of docs/format.md; the document explains them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace penstock::store {

using Lsn = uint64_t;
using SegmentSeq = uint64_t;
using Uuid = std::array<uint8_t, 16>;

inline constexpr uint32_t kFormatVersion = 1;
inline constexpr size_t kBlockBytes = 4096;
inline constexpr uint32_t kBatchMagic = 0x54425350;   // "PSBT"
inline constexpr uint32_t kFooterMagic = 0x54465350;  // "PSFT"
inline constexpr size_t kBatchFixedBytes = 64;
inline constexpr size_t kItemFixedBytes = 136;
inline constexpr size_t kMetaFixedBytes = 12;
inline constexpr size_t kFooterFixedBytes = 96;
inline constexpr size_t kFooterShardBytes = 64;
inline constexpr size_t kTrailerBytes = 64;
inline constexpr size_t kBodyCrcBytes = 64 * 1024;  // each of these has a CRC of its own
inline constexpr uint32_t kMetaClass = 0;
// Versions of item records: as appended, and a copy of it that a cleaner made (docs/format.md
// §3.6).
inline constexpr uint8_t kItemRecordVersion = 1;
inline constexpr uint8_t kItemCopyVersion = 2;

// Bodies up to this size are copied into the head of their batch: a block of their own would be
// mostly padding.
inline constexpr size_t kInlineBodyBytesMax = 16 * 1024;
// No head we write comes near this; a larger length is damage and is not believed.
inline constexpr size_t kHeadBytesMax = 64u << 20;

// Kinds of records that are not items (docs/format.md §3.3).
enum class MetaKind : uint8_t {
  kClaim = 32,
  kCatalogTxn = 33,
  kLowWater = 34,
  kReservation = 35,
  kSegment = 36,
  kSegmentsRemoved = 37,
  kReservationEnd = 38,
  kSnapshotBegin = 40,
  kSnapshotCatalog = 41,
  kSnapshotShard = 42,
  kSnapshotRequest = 43,
  kSnapshotEnd = 44,
  kSnapshotSegment = 45,
};

inline constexpr uint64_t AlignUp(uint64_t value, uint64_t to) {
  return (value + to - 1) / to * to;
}

// A number's index is lane epoch:20 || counter:40, and counter = ordinal + 1.
inline constexpr uint64_t kCounterBits = 40;
inline constexpr uint64_t MakeIndex(uint64_t epoch, uint64_t ordinal) {
  return epoch << kCounterBits | (ordinal + 1);
}
inline constexpr uint64_t EpochOfIndex(uint64_t index) { return index >> kCounterBits; }
inline constexpr uint64_t OrdinalOfIndex(uint64_t index) {
  const uint64_t counter = index & ((uint64_t{1} << kCounterBits) - 1);
  return counter == 0 ? 0 : counter - 1;
}

}  // namespace penstock::store
