#include "tests/testing_store/small_store.h"

namespace penstock::testing {
namespace {

constexpr const char* kFolder = "/store";
constexpr uint64_t kSegmentBytes = 256 * 1024;

}  // namespace

std::unique_ptr<FaultDisk> MakeStoreDisk() {
  auto disk = std::make_unique<FaultDisk>();
  disk->CreateDirectories(kFolder).value();
  disk->SyncDirectory("/").value();
  return disk;
}

store::StoreOptions SmallStoreOptions(int lanes) {
  store::StoreOptions options;
  options.directory = kFolder;
  options.lanes = lanes;
  options.segment_bytes = kSegmentBytes;
  options.read_threads = 1;
  return options;
}

}  // namespace penstock::testing
