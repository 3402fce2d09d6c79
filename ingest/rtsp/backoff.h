// When a camera that failed is tried again.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/random.h"

namespace penstock::ingest::rtsp {

// 1, 2, 4, ... 30 s, each up to a quarter more or less, so that a hundred cameras behind one switch
// do not come back in step. A connection that delivered for a while starts the series anew.
class Backoff {
 public:
  static constexpr std::chrono::seconds kFirst{1};
  static constexpr std::chrono::seconds kLast{30};
  // After a refused login: cameras lock accounts and addresses that try too often.
  static constexpr std::chrono::seconds kAfterRefusedLogin{60};
  // After a description with nothing to record in it: a camera that is still booting is soon
  // better, one that sends another codec once somebody has changed its settings.
  static constexpr std::chrono::seconds kUnrecordableFirst{60};
  static constexpr std::chrono::seconds kUnrecordableLast{600};
  static constexpr std::chrono::seconds kSuccess{10};

  explicit Backoff(uint64_t seed) : random_(seed) {}

  // How long the connection that has just ended had delivered media.
  void OnStreamed(std::chrono::milliseconds how_long) {
    if (how_long < kSuccess) return;
    base_ = kFirst;
    unrecordable_base_ = kUnrecordableFirst;
  }
  // The next pause.
  std::chrono::milliseconds Next() {
    const std::chrono::milliseconds pause = Jitter(base_);
    base_ = std::min<std::chrono::milliseconds>(base_ * 2, kLast);
    return std::min<std::chrono::milliseconds>(pause, kLast);
  }
  std::chrono::milliseconds NextAfterRefusedLogin() { return Jitter(kAfterRefusedLogin); }
  // 1, 2, 4, 8, 10 minutes.
  std::chrono::milliseconds NextAfterUnrecordable() {
    const std::chrono::milliseconds pause = Jitter(unrecordable_base_);
    unrecordable_base_ =
        std::min<std::chrono::milliseconds>(unrecordable_base_ * 2, kUnrecordableLast);
    return std::min<std::chrono::milliseconds>(pause, kUnrecordableLast);
  }

 private:
  std::chrono::milliseconds Jitter(std::chrono::milliseconds around) {
    const auto quarter = static_cast<uint64_t>(around.count() / 4);
    return around - std::chrono::milliseconds(quarter) +
           std::chrono::milliseconds(random_.Below(2 * quarter + 1));
  }

  Prng random_;
  std::chrono::milliseconds base_ = kFirst;
  std::chrono::milliseconds unrecordable_base_ = kUnrecordableFirst;
};

}  // namespace penstock::ingest::rtsp
