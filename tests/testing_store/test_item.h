// What tests store: everything about an item follows from one number, so that it can be checked
// later from that number alone.
#pragma once

#include <cstdint>
#include <string>

#include "store/shard.h"

namespace penstock::testing {

struct TestItem {
  uint64_t seed = 0;

  // Sizes are mostly small, sometimes on a block's edge, rarely larger than a chunk; bodies lie in
  // memory in every way they may.
  store::NewItem Make(store::Slot slot, store::RunId run) const;
  // Only what an item must give back; number, ordinal, run and server time are the store's.
  store::ItemKind kind() const;
  uint32_t flags() const;
  ProducerTime producer_time() const;
  std::chrono::microseconds duration() const;
  Bytes body() const;
  Bytes meta() const;
  // One of a few track sets, or none (empty).
  Bytes track_set() const;
  Bytes track_set_meta() const;

  // What differs, in words; empty if nothing.
  std::string Compare(const store::ItemHeader& header) const;
  std::string Compare(const Bytes& stored_meta, const Bytes& stored_body) const;
};

// The bytes of a body in either form it was opened in.
Bytes ReadWhole(const store::ItemBytes& bytes);

}  // namespace penstock::testing
