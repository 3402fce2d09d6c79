// The process that kill_test.cc kills: appends to a store on a real folder and prints what it was
// promised, one line each.
//   crash_writer <folder> <first item>
// "N <stream> <index>": a number was made. "A <stream> <index> <ordinal> <item>": the item is
// acknowledged.
#include <csignal>
#include <cstdlib>
#include <string>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "store/disk/disk.h"
#include "tests/crash/kill_options.h"
#include "tests/testing_store/test_item.h"

namespace penstock::testing {
namespace {

uint64_t next_item = 0;

// Straight to the pipe: what stays in a buffer of ours would be a promise that nobody heard.
void Print(const std::string& line) {
  if (write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(1);
}

Task<void> AppendForEver(std::shared_ptr<store::Shard> shard, int stream) {
  store::RunId run = 0;
  while (true) {
    Result<store::Slot> slot = shard->OpenSlot();
    CHECK(slot.ok());
    const uint64_t index = slot->number().index;
    Print(fmt::format("N {} {}\n", stream, index));
    const TestItem item{.seed = next_item++};
    auto whole = item.Make(std::move(*slot), run);
    const auto header = co_await shard->Append(std::move(whole));
    CHECK(header.ok());
    Print(fmt::format("A {} {} {} {}\n", stream, index, header->ordinal, item.seed));
    run = header->run;
  }
}

Task<void> Run(store::Store& store) {
  TaskGroup writers;
  for (int stream = 0; stream < kKillStreams; ++stream) {
    const StreamName name = KillStream(stream);
    auto info = store.GetStream(name);
    if (!info) {
      const auto created = co_await store.CreateStream(name, 24);
      CHECK(created.ok());
      info = *created;
    }
    // Two writers for each, so that batches have several items and slots end in any order.
    writers.Spawn(AppendForEver(store.OpenShard(info->shard), stream));
    writers.Spawn(AppendForEver(store.OpenShard(info->shard), stream));
  }
  co_await writers.Join();
}

}  // namespace
}  // namespace penstock::testing

int main(int argc, char** argv) {
  using namespace penstock;
  CHECK(argc == 3);
  CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);  // never outlives the test
  testing::next_item = std::strtoull(argv[2], nullptr, 10);
  auto store = store::Store::Open(testing::KillOptions(argv[1]), store::RealDisk(), SystemClock());
  CHECK(store.ok());
  SyncWait(testing::Run(**store));
  return 0;
}
