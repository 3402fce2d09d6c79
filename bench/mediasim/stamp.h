// The last bytes of each frame that producers send: when they were sent. Consumers that get the
// frame, wherever it was meanwhile, know its age; all processes of a machine share the clock.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "bench/mediasim/loop.h"

namespace mediasim {

inline constexpr std::string_view kStampMagic = "\xf1mediasim\xf1";
inline constexpr size_t kStampBytes = 10 + 1 + 8;

struct Stamp {
  Time sent;
  bool last = false;  // of its fragment
};

inline std::array<char, kStampBytes> WriteStamp(const Stamp& stamp) {
  std::array<char, kStampBytes> out{};
  std::memcpy(out.data(), kStampMagic.data(), kStampMagic.size());
  out[10] = stamp.last ? '$' : '.';
  const int64_t ns = stamp.sent.time_since_epoch().count();
  std::memcpy(out.data() + 11, &ns, 8);
  return out;
}

// Calls found(stamp) for each in the bytes; returns where the bytes begin that may be part of one
// that goes on behind them.
template <class Found>
size_t ReadStamps(std::string_view bytes, Found found) {
  size_t at = 0;
  while ((at = bytes.find(kStampMagic, at)) != std::string_view::npos) {
    if (at + kStampBytes > bytes.size()) return at;
    Stamp stamp;
    stamp.last = bytes[at + 10] == '$';
    int64_t ns = 0;
    std::memcpy(&ns, bytes.data() + at + 11, 8);
    stamp.sent = Time(Time::duration(ns));
    found(stamp);
    at += kStampBytes;
  }
  // The beginning of one, if the end looks like it.
  const size_t most = std::min(bytes.size(), kStampMagic.size() - 1);
  const size_t begin = bytes.find(kStampMagic[0], bytes.size() - most);
  return begin == std::string_view::npos ? bytes.size() : begin;
}

}  // namespace mediasim
