#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/metrics.h"
#include "tests/model/model_run.h"

namespace penstock::testing {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// PENSTOCK_MODEL_RUNS: how many stores. PENSTOCK_MODEL_SEED: only the one with this seed, with a
// trace.
TEST(ModelTest, TheStoreAnswersAsANaiveModelDoesAfterEveryOperation) {
  constexpr int kSteps = 150;
  const uint64_t only_seed = FromEnvironment("PENSTOCK_MODEL_SEED", 0);
  const uint64_t runs = only_seed != 0 ? 1 : FromEnvironment("PENSTOCK_MODEL_RUNS", 60);
  for (uint64_t n = 0; n < runs; ++n) {
    const uint64_t seed = only_seed != 0 ? only_seed : RandomU64() >> 1 | 1;
    // A run that hangs or dies tells its seed, too.
    fmt::print("PENSTOCK_MODEL_SEED={}\n", seed);
    std::fflush(stdout);
    ModelRun run(seed);
    std::string trace;
    for (int step = 0; step < kSteps; ++step) {
      trace += fmt::format(" {}:{}", step, run.Step());
      const std::vector<std::string> broken = run.broken();
      for (const std::string& line : broken) ADD_FAILURE() << line;
      ASSERT_TRUE(broken.empty()) << fmt::format("PENSTOCK_MODEL_SEED={}, after{}", seed, trace);
    }
  }
  const uint64_t cleaned = metrics::GetCounter("penstock_store_cleaned_segments_total", "").value();
  fmt::print("{} segments cleaned\n", cleaned);
  if (runs >= 20) {
    EXPECT_GT(cleaned, 0u);
  }
}

}  // namespace
}  // namespace penstock::testing
