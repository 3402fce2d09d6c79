// What a run counts and how long things took, once it is warm.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "bench/mediasim/loop.h"

namespace mediasim {

class Figures {
 public:
  explicit Figures(Time since) : since_(since) {}

  // What began before the run was warm does not count.
  void Took(std::vector<float>& ms, Time from, Time to) const {
    if (from < since_) return;
    ms.push_back(std::chrono::duration<float, std::milli>(to - from).count());
  }
  bool warm(Time now) const { return now >= since_; }

  uint64_t bytes = 0;   // sent or received
  uint64_t things = 0;  // fragments acknowledged, frames received, segments fetched
  std::vector<float> fragment_ms;
  std::vector<float> frame_ms;
  std::vector<float> playlist_ms;
  uint64_t late = 0;  // reloads that were due before all of the one before had come
  uint64_t done = 0;  // producers of a limited number of fragments that have all acks

 private:
  const Time since_;
};

// "name":{"count":n,"p50":ms,"p99":ms,"max":ms}
inline std::string Quantiles(std::string_view name, std::vector<float> ms) {
  if (ms.empty()) return fmt::format("\"{}\":null", name);
  std::sort(ms.begin(), ms.end());
  return fmt::format("\"{}\":{{\"count\":{},\"p50\":{:.3f},\"p99\":{:.3f},\"max\":{:.3f}}}", name,
                     ms.size(), ms[ms.size() / 2], ms[ms.size() * 99 / 100], ms.back());
}

}  // namespace mediasim
