#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/metrics.h"
#include "tests/crash/crash_run.h"

namespace penstock::testing {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// PENSTOCK_CRASH_POINTS: how many power cuts. PENSTOCK_CRASH_SEED: only the run with this seed
// (scheduling of threads may still differ).
TEST(CrashTest, EveryPromiseIsKeptOverEveryPowerCut) {
  const uint64_t points = FromEnvironment("PENSTOCK_CRASH_POINTS", 2000);
  const uint64_t only_seed = FromEnvironment("PENSTOCK_CRASH_SEED", 0);
  constexpr int kLives = 20;
  uint64_t cuts = 0;
  uint64_t items = 0;
  for (uint64_t n = 0; cuts < points; ++n) {
    const uint64_t seed = only_seed != 0 ? only_seed : RandomU64() >> 1 | 1;
    // A run that hangs or dies tells its seed, too.
    fmt::print("PENSTOCK_CRASH_SEED={}\n", seed);
    std::fflush(stdout);
    CrashRun run(seed);
    for (int life = 0; life < kLives; ++life) {
      run.LiveOnce();
      const std::vector<std::string> broken = run.broken();
      for (const std::string& line : broken) ADD_FAILURE() << line;
      ASSERT_TRUE(broken.empty()) << fmt::format("PENSTOCK_CRASH_SEED={}, life {}", seed, life);
    }
    cuts += run.power_cuts();
    items += run.items_checked();
    if (only_seed != 0) break;
  }
  const uint64_t cleaned = metrics::GetCounter("penstock_store_cleaned_segments_total", "").value();
  fmt::print("{} power cuts survived, {} items compared, {} segments cleaned\n", cuts, items,
             cleaned);
  if (cuts >= 500) {
    EXPECT_GT(cleaned, 0u);
  }
  EXPECT_GT(items, cuts);
}

}  // namespace
}  // namespace penstock::testing
