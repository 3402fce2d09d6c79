// One store on a disk that can be broken, with the few calls that tests about breaking it need.
#pragma once

#include <gtest/gtest.h>

#include "store/store.h"
#include "tests/testing_store/fault_disk.h"
#include "tests/testing_store/shared_clock.h"
#include "tests/testing_store/small_store.h"
#include "tests/testing_store/test_item.h"

namespace penstock::testing {

class StoreFixture : public ::testing::Test {
 protected:
  StoreFixture();
  ~StoreFixture() override;

  // The test fails if it does not open.
  void Open();
  void Close();
  // The power goes, and the store finds what is left of its disk.
  void Crash(uint64_t seed, IndexAge index = IndexAge::kNewest);
  // A stream of 24 hours.
  std::shared_ptr<store::Shard> Create(const std::string& name);
  std::shared_ptr<store::Shard> Shard(const std::string& name);

  // Appends the item and waits.
  Result<store::ItemHeader> Append(std::shared_ptr<store::Shard> shard, TestItem item);
  // Reads the item with that ordinal and compares; "" if it is there and right.
  std::string Check(std::shared_ptr<store::Shard> shard, uint64_t ordinal, TestItem item);
  std::vector<store::ItemHeader> List(std::shared_ptr<store::Shard> shard);

  // Begun and not waited for; AwaitAll is, for all that began, and the test fails unless each ends
  // well.
  void StartAppend(std::shared_ptr<store::Shard> shard, store::NewItem item);
  void StartDrop(std::shared_ptr<store::Shard> shard, store::NewItem item);
  void AwaitAll();

  store::StoreOptions options_;
  SharedClock clock_{kSmallStoreStart};
  std::unique_ptr<FaultDisk> disk_;
  std::unique_ptr<store::Store> store_;
  std::vector<Oneshot<bool>> begun_;
};

}  // namespace penstock::testing
