#pragma once

#include <map>
#include <memory>
#include <string>

#include "tests/model/model_run.h"

namespace penstock::testing {

// A stream of the store, and what it should be.
struct ModelRun::Stream {
  Stream(store::StreamInfo i, std::shared_ptr<store::Shard> s)
      : info(std::move(i)), shard(std::move(s)), model(info.retention_hours) {}

  store::StreamInfo info;
  std::shared_ptr<store::Shard> shard;
  ShardModel model;
  std::map<uint64_t, store::Slot> slots;  // open ones, by ordinal
  // Reads on from here, across other operations; tail_at: the ordinal it should give next.
  std::unique_ptr<store::Tail> tail;
  uint64_t tail_at = 0;
  bool tail_asks_oldest = false;  // and has not been asked yet
  std::map<std::string, store::Hold> holds;
};

}  // namespace penstock::testing
