// A store on a disk in memory, so small that its segments fill, seal, expire and are unlinked all
// the time.
#pragma once

#include <memory>

#include "store/store.h"
#include "tests/testing_store/fault_disk.h"

namespace penstock::testing {

// When such a store's clock starts.
inline const ServerTime kSmallStoreStart = ServerTimeFromMs(1'750'000'000'000);

// With the store's folder, empty and durable.
std::unique_ptr<FaultDisk> MakeStoreDisk();
store::StoreOptions SmallStoreOptions(int lanes);

}  // namespace penstock::testing
