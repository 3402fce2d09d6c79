#pragma once

#include <cstdint>
#include <span>

namespace penstock {

// Bytes from the operating system's generator; fit for keys.
void FillRandom(std::span<uint8_t> out);
uint64_t RandomU64();

// A small fast generator with a seed, for tests and for jitter. Not for secrets. (xorshift64*,
// Vigna 2016)
class Prng {
 public:
  explicit Prng(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 | 1) {}
  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  // Uniform enough in [0, bound). Requires bound > 0.
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

}  // namespace penstock
