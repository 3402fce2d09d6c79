#pragma once

#include <memory>

#include "store/shard_impl.h"

namespace penstock::store {

// Tells the shard, if it still lives, that a slot was destroyed unused.
class Slot::Ending {
 public:
  Ending(std::weak_ptr<ShardImpl> shard, uint64_t ordinal)
      : shard_(std::move(shard)), ordinal_(ordinal) {}
  void Abandon() {
    if (const auto shard = shard_.lock()) shard->Abandon(ordinal_);
  }
  bool IsOf(const ShardImpl* shard) const { return shard_.lock().get() == shard; }

 private:
  const std::weak_ptr<ShardImpl> shard_;
  const uint64_t ordinal_;
};

}  // namespace penstock::store
