// What a shard holds: items, each with a number, an ordinal, times, and bytes the store never looks
// into.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/time.h"

namespace penstock::store {

enum class ItemKind : uint8_t {
  kFragment = 1,   // body: one whole MKV Cluster; meta: its frame table
  kRecord = 2,     // body: data records (kinesis data streams)
  kGap = 3,        // a hole in the timeline; no body; gap fields are set
  kAbandoned = 4,  // a slot that ended without an append; keeps its ordinal
  kTrackSet = 5,   // body: EBML header + Tracks; meta: the decoder's view (opaque here); shared by
                   // fragments through its id
};

// Why there is a hole: of a gap the time it takes, of a fragment that starts a run the time between
// the item before it and itself. Stored; never renumber.
enum class GapReason : uint8_t {
  kNone = 0,
  kCameraLost = 1,
  kPacketLoss = 2,
  kOverload = 3,
  kDiskFull = 4,
  kRestart = 5,
  kSourceRemoved = 6,
};
std::string_view GapReasonName(GapReason reason);  // "camera-lost"

// Facts about an item. Stored bits; never renumber.
enum ItemFlags : uint32_t {
  kFlagDamaged = 1u << 0,     // packets of it were lost
  kFlagNoKeyframe = 1u << 1,  // does not start with a key frame (cut at the maximum)
  kFlagClockJump =
      1u << 2,  // the producer's clock jumped here; the raw value is in the frame table
  kFlagProducerTimeSane =
      1u << 3,  // producer_time is the producer's own; otherwise it was derived from server time
  kFlagStartsRun = 1u << 4,  // first fragment of its run
  kFlagDropped = 1u << 5,    // never durable: known to the live window only, a gap afterwards
};

// Identifies a track set within its shard: the index of the number of the fragment that first used
// it. 0: none.
using TrackSetId = uint64_t;
// Identifies a run within its shard: the index of the number of its first fragment.
using RunId = uint64_t;

struct ItemHeader {
  FragmentNumber number;
  uint64_t ordinal = 0;  // dense per shard, from 0; the HLS media sequence number
  uint64_t discontinuity_ordinal =
      0;  // how many runs ended before this item; the HLS discontinuity sequence number
  RunId run = 0;
  ServerTime server_time;      // receipt of the first byte; never decreases within a clock run
  ProducerTime producer_time;  // see kFlagProducerTimeSane
  std::chrono::microseconds duration{0};
  ItemKind kind = ItemKind::kFragment;
  GapReason gap_reason = GapReason::kNone;
  uint32_t flags = 0;
  TrackSetId track_set = 0;
  uint32_t body_bytes = 0;  // set by the store
  uint32_t meta_bytes = 0;  // set by the store
};

// The ordinal that a number carries (docs/format.md §3.2). Requires a number that is not "none".
uint64_t OrdinalOf(const FragmentNumber& number);

}  // namespace penstock::store
