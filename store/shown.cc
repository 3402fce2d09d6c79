#include "store/shown.h"

#include <algorithm>

namespace penstock::store {
namespace {

// The first that ends behind the ordinal.
std::vector<HeldStretch>::const_iterator EndingBehind(const std::vector<HeldStretch>& all,
                                                      uint64_t ordinal) {
  return std::upper_bound(
      all.begin(), all.end(), ordinal,
      [](uint64_t at, const HeldStretch& stretch) { return at < stretch.end_ordinal; });
}

}  // namespace

bool HeldStretch::Contains(uint64_t ordinal) const {
  return ordinal >= first_ordinal && ordinal < end_ordinal;
}

bool ShardStatus::Shows(uint64_t ordinal) const {
  return ordinal >= oldest_ordinal || StretchStart(ordinal + 1) <= ordinal;
}

uint64_t ShardStatus::StretchStart(uint64_t ordinal) const {
  if (ordinal > oldest_ordinal) return oldest_ordinal;
  for (const HeldStretch& stretch : held) {
    if (ordinal > stretch.first_ordinal && ordinal <= stretch.end_ordinal)
      return stretch.first_ordinal;
  }
  return ordinal;
}

void Islands::Add(const ItemRecord& item) {
  const ItemHeader& header = item.header;
  const ServerTime start = ServerTimeFromMs(header.number.server_ms);
  const ServerTime end =
      start + std::chrono::duration_cast<std::chrono::milliseconds>(header.duration);
  const bool joins = !all_.empty() && all_.back().end_ordinal == header.ordinal &&
                     all_.back().clock_run == item.clock_run;
  if (!joins) {
    HeldStretch& begun = all_.emplace_back();
    begun.first_ordinal = header.ordinal;
    begun.clock_run = item.clock_run;
    begun.start = start;
    begun.end = end;
  }
  HeldStretch& stretch = all_.back();
  stretch.end_ordinal = header.ordinal + 1;
  stretch.end = std::max(stretch.end, end);
  ++stretch.items;
  stretch.body_bytes += header.body_bytes;
}

bool Islands::Contains(uint64_t ordinal) const {
  const auto at = EndingBehind(all_, ordinal);
  return at != all_.end() && at->Contains(ordinal);
}

std::optional<uint64_t> Islands::From(uint64_t ordinal) const {
  const auto at = EndingBehind(all_, ordinal);
  if (at == all_.end()) return std::nullopt;
  return std::max(ordinal, at->first_ordinal);
}

std::vector<OrdinalRange> Shown::StretchesFrom(uint64_t ordinal) const {
  std::vector<OrdinalRange> out;
  for (auto at = EndingBehind(islands.all(), ordinal); at != islands.all().end(); ++at)
    out.push_back({std::max(ordinal, at->first_ordinal), at->end_ordinal});
  if (std::max(ordinal, mark) < end) out.push_back({std::max(ordinal, mark), end});
  return out;
}

}  // namespace penstock::store
