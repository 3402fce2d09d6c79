// index_bench <empty folder> [streams=1] [fragments per stream=10000000] [lookups=5000] [part=all]
// Fills a store with small fragments two seconds apart, kills the filling process, opens what it
// left, and looks things up at random. Part `fill` ends with the kill; `open` is the rest.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "bench/store/percentiles.h"
#include "store/disk/disk.h"
#include "store/store.h"

namespace penstock::store {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kFragment{2};
constexpr uint32_t kKeepsHours = 24 * 3650;
constexpr int64_t kBeganMs = 1'700'000'000'000;
constexpr size_t kPage = 100;

struct Options {
  std::filesystem::path folder;
  uint64_t streams = 1;
  uint64_t fragments = 10'000'000;
  uint64_t lookups = 5000;
  std::string_view part = "all";
};

// Goes on by two seconds with each round of fragments.
class RoundClock final : public Clock {
 public:
  explicit RoundClock(int64_t ms) : ms_(ms) {}
  ServerTime Now() const override { return ServerTimeFromMs(ms_.load()); }
  SteadyTime SteadyNow() const override { return std::chrono::steady_clock::now(); }
  void Set(int64_t ms) { ms_.store(ms); }

 private:
  std::atomic<int64_t> ms_;
};

int64_t TimeOf(uint64_t fragment) {
  return kBeganMs + static_cast<int64_t>(fragment) * std::chrono::milliseconds(kFragment).count();
}

StreamName NameOf(uint64_t stream) {
  return StreamName::Parse(fmt::format("stream-{}", stream)).value();
}

StoreOptions OptionsOf(const Options& options) {
  StoreOptions out;
  out.directory = options.folder / "store";
  return out;
}

NewItem MakeItem(Slot slot, RunId run) {
  NewItem item;
  item.producer_time = ProducerTimeFromUs(ToMs(slot.server_time()) * 1000);
  item.slot = std::move(slot);
  item.run = run;
  item.duration = kFragment;
  item.body = ByteChain(Bytes::From(std::string(100, 'b')));
  item.meta = Bytes::From(std::string(40, 'm'));
  return item;
}

// Takes places in the order until there are enough; many run at once.
Task<void> Append(std::shared_ptr<Shard> shard, RoundClock& clock, uint64_t fragments,
                  bool moves_clock, uint64_t& failed) {
  for (;;) {
    auto slot = shard->OpenSlot();
    if (!slot.ok() || slot->ordinal() >= fragments) {
      if (!slot.ok()) ++failed;
      co_return;
    }
    if (moves_clock) clock.Set(TimeOf(slot->ordinal() + 1));
    // Each its own run: nobody waits for the name of another's.
    const auto header = co_await shard->Append(MakeItem(std::move(*slot), 0));
    if (!header.ok()) ++failed;
  }
}

Task<Status> Fill(Store& store, RoundClock& clock, Options options) {
  constexpr uint64_t kInFlight = 4096;
  const uint64_t each = std::clamp<uint64_t>(kInFlight / options.streams, 1, 200);
  TaskGroup group;
  uint64_t failed = 0;
  for (uint64_t i = 0; i < options.streams; ++i) {
    const auto info = co_await store.CreateStream(NameOf(i), kKeepsHours);
    if (!info.ok()) co_return info.error();
    const std::shared_ptr<Shard> shard = store.OpenShard(info->shard);
    for (uint64_t n = 0; n < each; ++n)
      group.Spawn(Append(shard, clock, options.fragments, i == 0, failed));
  }
  co_await group.Join();
  if (failed > 0) co_return Error(ErrorCode::kInternal, fmt::format("{} were refused", failed));
  co_return Status();
}

// Never returns: the process is killed, as far as the store is concerned in the middle of it.
[[noreturn]] void FillAndDie(const Options& options) {
  RoundClock clock(kBeganMs);
  auto store = Store::Open(OptionsOf(options), RealDisk(), clock);
  const auto begin = Steady::now();
  const Status filled =
      store.ok() ? SyncWait(Fill(**store, clock, options)) : Status(store.error());
  if (!filled.ok()) {
    fmt::print(stderr, "{}\n", filled.error().ToString());
    _exit(1);
  }
  const double seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  fmt::print("{} streams x {} fragments written in {:.0f} s: {:.0f}/s\n", options.streams,
             options.fragments, seconds,
             static_cast<double>(options.streams * options.fragments) / seconds);
  std::fflush(stdout);
  (void)raise(SIGKILL);
  _exit(1);
}

uint64_t ResidentKb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::strtoull(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

template <class Ask>
Status Measure(const char* what, Store& store, const Options& options, Ask ask) {
  std::vector<double> ms;
  for (uint64_t i = 0; i < options.lookups; ++i) {
    const auto info = store.GetStream(NameOf(RandomU64() % options.streams));
    const std::shared_ptr<Shard> shard = store.OpenShard(info->shard);
    const uint64_t fragment = RandomU64() % (options.fragments - kPage);
    const auto begin = Steady::now();
    const auto found = ask(*shard, fragment);
    ms.push_back(Ms(Steady::now() - begin));
    if (!found.ok()) return found.error();
    if (found->empty() || found->front().header.ordinal > fragment + 1 ||
        found->front().header.ordinal + 1 < fragment) {
      return Error(ErrorCode::kInternal, fmt::format("{}: not what was asked for", what));
    }
  }
  Print(what, std::move(ms));
  return {};
}

Status LookUp(const Options& options) {
  RoundClock clock(TimeOf(options.fragments));
  const uint64_t before_kb = ResidentKb();
  const auto begin = Steady::now();
  PS_TRY(const std::unique_ptr<Store> store, Store::Open(OptionsOf(options), RealDisk(), clock));
  fmt::print("opened after the kill in {:.2f} s, {} KB resident more\n",
             Ms(Steady::now() - begin) / 1000, ResidentKb() - before_kb);
  const bool one_clock = options.streams == 1;
  // With many streams the first one's pace sets the clock: their times are near, not exact.
  if (one_clock) {
    PS_TRY_VOID(Measure("by time, one", *store, options, [](Shard& shard, uint64_t fragment) {
      return SyncWait(shard.Find(FromServerTime{ServerTimeFromMs(TimeOf(fragment))}, 1));
    }));
    PS_TRY_VOID(Measure("range of 100, by time", *store, options, [](Shard& shard, uint64_t from) {
      const ServerTimeRange range{ServerTimeFromMs(TimeOf(from)),
                                  ServerTimeFromMs(TimeOf(from + kPage) - 1)};
      return SyncWait(shard.FindStarted(range, std::nullopt, kPage));
    }));
    PS_TRY_VOID(
        Measure("range of 100, producer time", *store, options, [](Shard& shard, uint64_t from) {
          const ProducerTimeRange range{ProducerTimeFromUs(TimeOf(from) * 1000),
                                        ProducerTimeFromUs(TimeOf(from + kPage) * 1000 - 1)};
          return SyncWait(shard.FindStarted(range, std::nullopt, kPage));
        }));
  }
  PS_TRY_VOID(Measure("page of 100, by ordinal", *store, options, [](Shard& shard, uint64_t from) {
    return SyncWait(shard.Find(FromOrdinal{from}, kPage));
  }));
  fmt::print("{} KB resident more than before it was opened\n", ResidentKb() - before_kb);
  SyncWait(store->Close());
  return {};
}

Status FillAndKill(const Options& options) {
  PS_TRY_VOID(RealDisk().CreateDirectories(options.folder));
  std::fflush(stdout);
  const pid_t child = fork();
  if (child < 0) return Error(ErrorCode::kUnavailable, "fork");
  if (child == 0) FillAndDie(options);
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
    return Error(ErrorCode::kInternal, "it could not be filled");
  return {};
}

Status Main(const Options& options) {
  if (options.part != "open") PS_TRY_VOID(FillAndKill(options));
  return options.part == "fill" ? Status() : LookUp(options);
}

}  // namespace
}  // namespace penstock::store

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr,
               "index_bench <empty folder> [streams=1] [fragments per stream=10000000] "
               "[lookups=5000] [part=all]\n");
    return 2;
  }
  penstock::store::Options options;
  options.folder = argv[1];
  if (argc > 2) options.streams = std::strtoull(argv[2], nullptr, 10);
  if (argc > 3) options.fragments = std::strtoull(argv[3], nullptr, 10);
  if (argc > 4) options.lookups = std::strtoull(argv[4], nullptr, 10);
  if (argc > 5) options.part = argv[5];
  const penstock::Status status = penstock::store::Main(options);
  if (status.ok()) return 0;
  fmt::print(stderr, "{}\n", status.error().ToString());
  return 1;
}
