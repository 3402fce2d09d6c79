#include "store/shard_state.h"

#include <algorithm>

namespace penstock::store {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kVersionWithReservation = 2;

}  // namespace

void ShardState::Apply(const ItemRecord& item) {
  const ItemHeader& header = item.header;
  next_ordinal = std::max(next_ordinal, header.ordinal + 1);
  if (reserved <= next_ordinal) reserved = 0;
  if (header.ordinal >= low_water) {
    ++items;
    body_bytes += header.body_bytes;
  }
  // A gap has a run if an item that was dropped stood there.
  if (header.kind == ItemKind::kFragment || header.kind == ItemKind::kRecord || header.run != 0) {
    runs_started = std::max(runs_started, header.discontinuity_ordinal + 1);
  }
  const int64_t ms = header.number.server_ms;
  if (clock_runs.empty()) first_clock_run = item.clock_run;
  if (item.clock_run < first_clock_run) {
    if (header.ordinal < low_water) return;  // of a run that is hidden already
    // A slot that was opened before the clock was set back, filled after one opened since.
    clock_runs.insert(clock_runs.begin(), first_clock_run - item.clock_run, ClockRun());
    first_clock_run = item.clock_run;
  }
  const size_t at = item.clock_run - first_clock_run;
  if (clock_runs.size() <= at) clock_runs.resize(at + 1);
  ClockRun& run = clock_runs[at];
  run.first_ordinal = std::min(run.first_ordinal, header.ordinal);
  run.first_ms = std::min(run.first_ms, ms);
  run.last_ms = std::max(run.last_ms, ms);
  // Whether an item or the mark comes first must not matter.
  ApplyLowWater(low_water);
}

void ShardState::ApplyReservation(uint64_t end) {
  if (end > next_ordinal) reserved = std::max(reserved, end);
}

void ShardState::ApplyReservationEnd(uint64_t end) {
  reserved = std::min(reserved, end);
  if (reserved <= next_ordinal) reserved = 0;
}

void ShardState::ApplyLowWater(uint64_t ordinal) {
  low_water = std::max(low_water, ordinal);
  // Ordinals grow from run to run: what lies before the first of a later run is of an earlier one.
  auto keep = clock_runs.begin();
  for (auto run = keep; run != clock_runs.end(); ++run) {
    if (run->first_ordinal <= low_water) keep = run;
  }
  first_clock_run += static_cast<uint32_t>(keep - clock_runs.begin());
  clock_runs.erase(clock_runs.begin(), keep);
}

int64_t ShardState::EffectiveMs(uint64_t ordinal, int64_t server_ms) const {
  for (const ClockRun& run : clock_runs) {
    if (run.first_ordinal > ordinal) server_ms = std::min(server_ms, run.first_ms);
  }
  return server_ms;
}

Bytes EncodeShardState(const ShardState& state, bool with_counts) {
  ByteWriter out;
  // Older programs read what has no reservation.
  out.Le(state.reserved > 0 ? kVersionWithReservation : kVersion);
  out.Raw(state.shard.bytes());
  out.Varint(state.next_ordinal);
  out.Varint(state.runs_started);
  out.Varint(state.low_water);
  out.Varint(with_counts ? state.items : 0);
  out.Varint(with_counts ? state.body_bytes : 0);
  out.Varint(state.first_clock_run);
  out.Varint(state.clock_runs.size());
  for (const ClockRun& run : state.clock_runs) {
    out.Varint(run.first_ordinal);
    out.Zigzag(run.first_ms);
    out.Zigzag(run.last_ms);
  }
  if (state.reserved > 0) out.Varint(state.reserved);
  return out.Take();
}

Result<ShardState> DecodeShardState(ByteSpan bytes) {
  ByteReader in(bytes);
  const auto version = in.Le<uint8_t>();
  if (version != kVersion && version != kVersionWithReservation)
    return Error(ErrorCode::kUnsupported, "shard state: of a newer program");
  ShardState state;
  std::array<uint8_t, 16> id{};
  const ByteSpan raw = in.Raw(id.size());
  std::copy(raw.begin(), raw.end(), id.begin());
  state.shard = ShardId::FromBytes(id);
  state.next_ordinal = in.Varint();
  state.runs_started = in.Varint();
  state.low_water = in.Varint();
  state.items = in.Varint();
  state.body_bytes = in.Varint();
  state.first_clock_run = static_cast<uint32_t>(in.Varint());
  const uint64_t runs = in.Varint();
  for (uint64_t i = 0; i < runs && in.ok(); ++i) {
    ClockRun run;
    run.first_ordinal = in.Varint();
    run.first_ms = in.Zigzag();
    run.last_ms = in.Zigzag();
    state.clock_runs.push_back(run);
  }
  if (version == kVersionWithReservation) state.reserved = in.Varint();
  if (!in.ok() || in.left() != 0) return Error(ErrorCode::kCorruption, "shard state: damaged");
  return state;
}

}  // namespace penstock::store
