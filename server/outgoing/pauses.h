// When something that failed is tried again.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/random.h"

namespace penstock::server {

// Pauses between tries: each up to twice the one before.
class Pauses {
 public:
  Pauses(std::chrono::milliseconds first, std::chrono::milliseconds last, uint64_t seed)
      : next_(first), last_(last), random_(seed) {}

  std::chrono::milliseconds Next() {
    const auto half = static_cast<uint64_t>(next_.count() / 2);
    const std::chrono::milliseconds pause =
        next_ - std::chrono::milliseconds(random_.Below(half + 1));
    next_ = std::min(next_ * 2, last_);
    return pause;
  }

 private:
  std::chrono::milliseconds next_;
  const std::chrono::milliseconds last_;
  Prng random_;
};

}  // namespace penstock::server
