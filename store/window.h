// The newest items of one shard, in RAM: what tails and live playback read.
#pragma once

#include <deque>
#include <optional>

#include "store/item.h"

namespace penstock::store {

struct WindowItem {
  ItemHeader header;
  ByteChain body;
  Bytes meta;

  size_t bytes() const { return body.size() + meta.size(); }
};

// A dense, contiguous suffix of the visible items. Not thread-safe.
class Window {
 public:
  // So many of the newest stay whatever their size, where nothing else has their bytes: players
  // come for a fragment when the next one is there already.
  static constexpr size_t kNewestKept = 2;

  explicit Window(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Holds from the next Push on.
  void SetBytesMax(size_t bytes_max) { bytes_max_ = bytes_max; }
  // The next visible item. Requires its ordinal to be end().
  void Push(WindowItem item);
  // The ordinal of the oldest item here; end() when there is none.
  uint64_t begin() const { return end_ - items_.size(); }
  uint64_t end() const { return end_; }
  // Only while it is empty: where the visible items end.
  void SetEnd(uint64_t end) { end_ = end; }
  // nullptr if it is not here.
  const WindowItem* Find(uint64_t ordinal) const;

 private:
  // Header-only items (gaps) cost next to nothing, but not nothing.
  static constexpr size_t kItemsMax = 1024;

  size_t bytes_max_;
  uint64_t end_ = 0;
  size_t bytes_ = 0;
  std::deque<WindowItem> items_;
};

}  // namespace penstock::store
