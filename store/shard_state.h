// What the log says of one shard, folded: a plain value.
#pragma once

#include <limits>
#include <vector>

#include "base/byte_io.h"
#include "store/log/record.h"

namespace penstock::store {

// A stretch in which the shard's server times never decrease (docs/format.md §3.2). Empty, while
// of its slots none is filled.
struct ClockRun {
  uint64_t first_ordinal = std::numeric_limits<uint64_t>::max();
  int64_t first_ms = std::numeric_limits<int64_t>::max();
  int64_t last_ms = std::numeric_limits<int64_t>::min();
  friend bool operator==(const ClockRun&, const ClockRun&) = default;
};

struct ShardState {
  ShardId shard;
  uint64_t next_ordinal = 0;  // one past the largest ordinal in the log
  uint64_t runs_started = 0;
  uint64_t low_water = 0;        // everything before it is hidden, durably
  uint64_t items = 0;            // in the log, at or above low_water
  uint64_t body_bytes = 0;       // theirs
  uint32_t first_clock_run = 0;  // the number of clock_runs.front()
  std::vector<ClockRun> clock_runs;
  // Larger than next_ordinal: ordinals before it may have been shown, though the log lacks them
  // (docs/format.md §3.3). Else 0.
  uint64_t reserved = 0;

  // Folds one item. Items may come out of order; an item must not come twice.
  void Apply(const ItemRecord& item);
  // Whether it or the items come first does not matter.
  void ApplyReservation(uint64_t end);
  // Nothing from this ordinal on was shown that the log lacks. After the reservations before it.
  void ApplyReservationEnd(uint64_t end);
  // Forgets clock runs that end before the low-water mark.
  void ApplyLowWater(uint64_t ordinal);

  // When the item was received as far as later clocks can tell: an item of an earlier clock run is
  // at least as old as the start of the next one, whatever its own clock said.
  int64_t EffectiveMs(uint64_t ordinal, int64_t server_ms) const;

  friend bool operator==(const ShardState&, const ShardState&) = default;
};

// with_counts: items and body_bytes are kept; otherwise written as 0 (snapshots: they are counted
// again).
Bytes EncodeShardState(const ShardState& state, bool with_counts);
Result<ShardState> DecodeShardState(ByteSpan bytes);

}  // namespace penstock::store
