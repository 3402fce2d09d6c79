#include "server/api/coverage.h"

#include <algorithm>

#include "base/limits.h"

namespace penstock::server {
namespace {

using store::GapReason;

ServerTime EndOf(const store::ItemHeader& item) {
  return item.server_time + std::chrono::duration_cast<std::chrono::milliseconds>(item.duration);
}

// A dropped fragment plays from memory for a moment; what is stored does not include it.
bool IsMissing(const store::ItemHeader& item) {
  return item.kind == store::ItemKind::kGap || (item.flags & store::kFlagDropped) != 0;
}

// An abandoned slot says nothing of the time.
bool Tells(const store::ItemHeader& item) {
  return item.kind == store::ItemKind::kFragment || item.kind == store::ItemKind::kGap;
}

}  // namespace

void CoverageBuilder::Begin(const store::ItemHeader& before) {
  if (!Tells(before)) return;
  CoverageRange& range = ranges_.emplace_back();
  range.start = before.server_time;
  range.end = EndOf(before);
  range.stored = !IsMissing(before);
  if (!range.stored) range.reason = before.gap_reason;
  last_start_ = before.server_time;
}

void CoverageBuilder::Continue(const store::ItemHeader& before) {
  Begin(before);
  if (!ranges_.empty()) ranges_.back().start = ranges_.back().end;
}

// Either joins the last range, or begins one.
void CoverageBuilder::AddHole(ServerTime start, ServerTime end, GapReason reason, bool expired) {
  if (end <= start) return;
  CoverageRange* const last = ranges_.empty() ? nullptr : &ranges_.back();
  if (last != nullptr && !last->stored && last->reason == reason && last->expired == expired &&
      last->end == start) {
    last->end = end;
    return;
  }
  CoverageRange& hole = ranges_.emplace_back();
  hole.start = start;
  hole.end = end;
  hole.reason = reason;
  hole.expired = expired;
}

void CoverageBuilder::AddStored(ServerTime start, ServerTime end, uint64_t bytes) {
  if (ranges_.empty() || !ranges_.back().stored || ranges_.back().end < start ||
      start < last_start_) {
    ranges_.push_back(CoverageRange{.start = start, .end = start, .stored = true});
  }
  CoverageRange& range = ranges_.back();
  range.end = std::max(range.end, end);
  ++range.fragments;
  range.bytes += bytes;
}

// What lies between the last range and the item.
void CoverageBuilder::FillBefore(const store::ItemHeader& item, bool missing) {
  CoverageRange& last = ranges_.back();
  const ServerTime start = item.server_time;
  if (start < last.end) {
    if (missing || last.stored) return;
    // What is stored is known better than how long a hole was to last.
    last.end = std::max(last.start, start);
    if (last.end == last.start && ranges_.size() > 1) ranges_.pop_back();
    return;
  }
  // Whatever else happened meanwhile: who knew of it has gone, too.
  if (skipped_ != Skipped::kNothing) {
    AddHole(last.end, start, GapReason::kNone, skipped_ == Skipped::kExpired);
    return;
  }
  const bool starts_run = (item.flags & store::kFlagStartsRun) != 0;
  const bool unexplained = starts_run && start - last.end > limits::kPauseNoHole;
  if (missing || item.gap_reason != GapReason::kNone || unexplained) {
    AddHole(last.end, start, item.gap_reason);
  } else {
    last.end = start;
  }
}

void CoverageBuilder::Add(const store::ItemHeader& item) {
  if (!Tells(item)) return;
  const bool missing = IsMissing(item);
  const bool set_back = !ranges_.empty() && item.server_time < last_start_;
  ServerTime start = item.server_time;
  if (!ranges_.empty() && !set_back) {
    FillBefore(item, missing);
    start = std::max(start, ranges_.back().end);
  }
  skipped_ = Skipped::kNothing;
  const ServerTime end = std::max(start, EndOf(item));
  if (missing) {
    AddHole(start, end, item.gap_reason);
  } else {
    AddStored(start, end, item.body_bytes);
  }
  last_start_ = item.server_time;
}

void CoverageBuilder::Skip(bool expired) {
  // Of both, that something is lost is the news.
  if (skipped_ != Skipped::kLost) skipped_ = expired ? Skipped::kExpired : Skipped::kLost;
}

void CoverageBuilder::Expired(ServerTime until) {
  if (!ranges_.empty()) AddHole(ranges_.back().end, until, GapReason::kNone, true);
}

void CoverageBuilder::End(GapReason reason, ServerTime now) {
  if (!ranges_.empty()) AddHole(ranges_.back().end, now, reason);
}

std::vector<CoverageRange> CoverageBuilder::Take(std::optional<ServerTime> from,
                                                 std::optional<ServerTime> to) const {
  std::vector<CoverageRange> out;
  for (CoverageRange range : ranges_) {
    if (from) range.start = std::max(range.start, *from);
    if (to) range.end = std::min(range.end, *to);
    if (range.start < range.end) out.push_back(range);
  }
  return out;
}

}  // namespace penstock::server
