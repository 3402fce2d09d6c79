// What the benchmarks of the store print of many durations.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include <fmt/format.h>

namespace penstock::store {

inline double Ms(std::chrono::steady_clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

inline void Print(const char* what, std::vector<double> ms) {
  if (ms.empty()) return;
  std::sort(ms.begin(), ms.end());
  const auto at = [&](double share) {
    return ms[static_cast<size_t>(share * static_cast<double>(ms.size() - 1))];
  };
  fmt::print("{:<28} n {:>8}   p50 {:8.3f} ms   p99 {:8.3f} ms   max {:8.3f} ms\n", what, ms.size(),
             at(0.5), at(0.99), at(1));
}

}  // namespace penstock::store
