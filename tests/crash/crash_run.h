// One store's life over many power cuts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "store/store.h"
#include "tests/crash/catalog_witness.h"
#include "tests/crash/shard_witness.h"
#include "tests/testing_store/fault_disk.h"
#include "tests/testing_store/shared_clock.h"

namespace penstock::testing {

// Everything that happens follows from the seed, but for the order in which the store's own threads
// get to run.
//
// A life: recover (the power may go during that, again and again), check every promise of all lives
// before, then append, abandon, drop, read, trim, expire, change the catalog, create and delete
// streams, all at once, until the power goes.
class CrashRun {
 public:
  explicit CrashRun(uint64_t seed);
  ~CrashRun();

  void LiveOnce();
  uint64_t power_cuts() const { return power_cuts_; }
  uint64_t items_checked() const;
  // A line for each promise that was broken.
  std::vector<std::string> broken() const;

 private:
  struct Stream;

  bool Recover();
  void Settle();  // after a recovery: which of the streams that were being made or deleted exist
  Task<void> Verify();
  Task<void> Work();
  void End();
  void Die();  // by a power cut, sometimes by a kill only

  Task<void> Write(Stream& stream);
  Task<void> EndSlot(Stream& stream, std::shared_ptr<store::Shard> shard, store::Slot slot,
                     TestItem item, uint64_t how);
  Task<void> Follow(Stream& stream, CancelToken token);
  Task<void> Keep(Stream& stream);  // trims and retention
  Task<void> Change(CatalogWitness& group);
  Task<void> Replace(Stream& stream);  // creates or deletes it

  Prng prng_;
  SharedClock clock_;
  std::unique_ptr<FaultDisk> disk_;
  store::StoreOptions options_;
  std::unique_ptr<store::Store> store_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<std::unique_ptr<CatalogWitness>> catalog_;
  uint64_t next_item_ = 0;
  uint64_t power_cuts_ = 0;
  bool cut_planned_ = false;
  std::vector<std::string> broken_;
};

}  // namespace penstock::testing
