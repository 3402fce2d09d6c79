// Which ordinals of a shard readers may see: all from its mark on, and before it what holds keep.
// Pure.
#pragma once

#include <optional>
#include <vector>

#include "store/hold.h"
#include "store/log/record.h"
#include "store/shard.h"

namespace penstock::store {

// What holds keep before the mark, as dense stretches. Ordinals grow from one to the next.
class Islands {
 public:
  // Requires an ordinal greater than any before.
  void Add(const ItemRecord& item);
  void Add(const HeldStretch& stretch) { all_.push_back(stretch); }

  bool empty() const { return all_.empty(); }
  const std::vector<HeldStretch>& all() const { return all_; }
  bool Contains(uint64_t ordinal) const;
  // The first at or after this one.
  std::optional<uint64_t> From(uint64_t ordinal) const;

 private:
  std::vector<HeldStretch> all_;
};

// At one moment.
struct Shown {
  uint64_t mark = 0;
  uint64_t end = 0;  // mark <= end
  Islands islands;   // before the mark

  bool Contains(uint64_t ordinal) const { return ordinal >= mark || islands.Contains(ordinal); }
  // The first at or after this one; it may lie behind the end.
  uint64_t From(uint64_t ordinal) const {
    return ordinal >= mark ? ordinal : islands.From(ordinal).value_or(mark);
  }
  // All from this one on, in order.
  std::vector<OrdinalRange> StretchesFrom(uint64_t ordinal) const;
};

}  // namespace penstock::store
