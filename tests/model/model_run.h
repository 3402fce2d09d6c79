// Random operations on a store and on naive models of it, compared after each.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "store/store.h"
#include "tests/model/shard_model.h"
#include "tests/testing_store/fault_disk.h"
#include "tests/testing_store/shared_clock.h"

namespace penstock::testing {

// Everything follows from the seed. Nothing fails here: what breaks is tests/crash.
class ModelRun {
 public:
  explicit ModelRun(uint64_t seed);
  ~ModelRun();

  // One operation, then every comparison that it may have touched. Returns its name, for the trace
  // of a failure.
  std::string Step();
  // What is wrong so far, a line each.
  std::vector<std::string> broken() const;

 private:
  struct Stream;
  struct CatalogValue {
    std::string value;
    uint64_t version = 0;
  };

  void Open();
  Stream* AnyStream();
  Task<std::string> Act(uint64_t draw);
  Task<void> CreateOrDelete();
  Task<void> OpenSlots(Stream& stream);
  Task<void> EndSlot(Stream& stream);
  Task<void> Store(Stream& stream, uint64_t ordinal, store::RunId run);
  Task<void> AppendMany(Stream& stream);
  Task<void> EndAllSlots();
  Task<void> Trim(Stream& stream);
  Task<void> PassTime();
  Task<void> ChangeRetention(Stream& stream);
  Task<void> ChangeHolds(Stream& stream);
  Task<void> AddHold(Stream& stream);
  Task<void> ReleaseHold(Stream& stream);
  Task<void> ChangeCatalog();
  Task<void> RepeatRequest();
  void Reopen();
  void CheckFolder();
  void TakeReserved(Stream& stream);

  Task<void> CompareAll();
  Task<void> CompareShard(Stream& stream);
  Task<void> CompareListing(Stream& stream, store::Selector from);
  Task<void> CompareBytes(Stream& stream);
  Task<void> CompareTail(Stream& stream);
  void CompareStatus(Stream& stream);
  void CompareHolds();
  void CompareCatalog();
  store::Selector AnySelector(const Stream& stream);
  void Broken(std::string what) { broken_.push_back(std::move(what)); }

  Prng prng_;
  SharedClock clock_;
  std::unique_ptr<FaultDisk> disk_;
  store::StoreOptions options_;
  std::unique_ptr<store::Store> store_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::map<std::string, CatalogValue> catalog_;
  std::string last_request_;
  bool last_request_applied_ = false;
  uint64_t requests_ = 0;
  uint64_t next_item_ = 0;
  uint64_t next_stream_ = 0;
  std::vector<std::string> broken_;
};

}  // namespace penstock::testing
