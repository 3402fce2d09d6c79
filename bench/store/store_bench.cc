// store_bench <empty folder> [streams=100] [fragment bytes=250000] [seconds=10] [lanes=1]
// Closed loop: each stream appends its next fragment when the last one was acknowledged. First the
// disk's own fdatasync in the same folder.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "base/chunk_pool.h"
#include "base/metrics.h"
#include "base/random.h"
#include "bench/store/percentiles.h"
#include "store/disk/disk.h"
#include "store/store.h"

namespace penstock::store {
namespace {

using Steady = std::chrono::steady_clock;

struct Options {
  std::filesystem::path folder;
  int streams = 100;
  size_t fragment_bytes = 250'000;
  int seconds = 10;
  int lanes = 1;
};

// A block appended to a preallocated file and synced, over and over.
Status MeasureFdatasync(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "fdatasync.probe";
  PS_TRY(const std::unique_ptr<DiskFile> file, RealDisk().Open(path, Disk::Mode::kCreate, true));
  PS_TRY_VOID(file->Allocate(16u << 20));
  ChunkWriter writer;
  writer.Write(std::vector<uint8_t>(kDirectIoAlignment, 'x'));
  const ByteChain block = writer.Finish();
  const Bytes& bytes = block.pieces().front();
  std::vector<double> ms;
  for (uint64_t i = 0; i < 2000; ++i) {
    const iovec piece{const_cast<uint8_t*>(bytes.data()), bytes.size()};
    const auto begin = Steady::now();
    PS_TRY_VOID(file->Write(i * kDirectIoAlignment, std::span<const iovec>(&piece, 1)));
    PS_TRY_VOID(file->Sync());
    ms.push_back(Ms(Steady::now() - begin));
  }
  Print("4 KiB write + fdatasync", std::move(ms));
  return RealDisk().Unlink(path);
}

struct Totals {
  std::vector<double> ack_ms;
  uint64_t bytes = 0;
  uint64_t refused = 0;
};

Task<void> Publish(std::shared_ptr<Shard> shard, ByteChain body, Steady::time_point end,
                   Totals& totals) {
  RunId run = 0;
  while (Steady::now() < end) {
    NewItem item;
    auto slot = shard->OpenSlot();
    if (!slot.ok()) {
      ++totals.refused;
      (void)co_await Sleep(std::chrono::milliseconds(10));
      continue;
    }
    item.slot = std::move(*slot);
    item.run = run;
    item.body = body;
    item.duration = std::chrono::seconds(2);
    const auto begin = Steady::now();
    const auto header = co_await shard->Append(std::move(item));
    if (!header.ok()) {
      ++totals.refused;
      continue;
    }
    run = header->run;
    totals.ack_ms.push_back(Ms(Steady::now() - begin));
    totals.bytes += body.size();
  }
}

Task<Status> Run(Store& store, Options options, Totals& totals) {
  ChunkWriter writer;
  std::vector<uint8_t> noise(options.fragment_bytes);
  FillRandom(noise);
  writer.Write(noise);
  const ByteChain body = writer.Finish();
  std::vector<std::shared_ptr<Shard>> shards;
  for (int i = 0; i < options.streams; ++i) {
    const StreamName name = StreamName::Parse(fmt::format("stream-{}", i)).value();
    const auto info = co_await store.CreateStream(name, 24);
    if (!info.ok()) co_return info.error();
    shards.push_back(store.OpenShard(info->shard));
  }
  const auto end = Steady::now() + std::chrono::seconds(options.seconds);
  TaskGroup group;
  for (const auto& shard : shards) group.Spawn(Publish(shard, body, end, totals));
  co_await group.Join();
  co_return Status();
}

Status Main(const Options& options) {
  PS_TRY_VOID(RealDisk().CreateDirectories(options.folder));
  PS_TRY_VOID(MeasureFdatasync(options.folder));
  StoreOptions store_options;
  store_options.directory = options.folder / "store";
  store_options.lanes = options.lanes;
  PS_TRY(const std::unique_ptr<Store> store, Store::Open(store_options, RealDisk(), SystemClock()));
  Totals totals;
  const auto begin = Steady::now();
  PS_TRY_VOID(SyncWait(Run(*store, options, totals)));
  const double seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  SyncWait(store->Close());
  const auto counter = [](const char* name) { return metrics::GetCounter(name, "").value(); };
  fmt::print(
      "{} streams x {} bytes, {} lanes: {:.0f} fragments/s, {:.1f} MB/s, {} refused, {} fdatasyncs "
      "for {} batches\n",
      options.streams, options.fragment_bytes, options.lanes,
      static_cast<double>(totals.ack_ms.size()) / seconds,
      static_cast<double>(totals.bytes) / seconds / 1e6, totals.refused,
      counter("penstock_store_fdatasyncs_total"), counter("penstock_store_batches_total"));
  Print("acknowledged after", std::move(totals.ack_ms));
  return {};
}

}  // namespace
}  // namespace penstock::store

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr,
               "store_bench <empty folder> [streams=100] [fragment bytes=250000] [seconds=10] "
               "[lanes=1]\n");
    return 2;
  }
  penstock::store::Options options;
  options.folder = argv[1];
  if (argc > 2) options.streams = std::atoi(argv[2]);
  if (argc > 3) options.fragment_bytes = static_cast<size_t>(std::atol(argv[3]));
  if (argc > 4) options.seconds = std::atoi(argv[4]);
  if (argc > 5) options.lanes = std::atoi(argv[5]);
  const penstock::Status status = penstock::store::Main(options);
  if (status.ok()) return 0;
  fmt::print(stderr, "{}\n", status.error().ToString());
  return 1;
}
