// Clocks that are wrong, by name.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace camsim {

// What a camera's clocks show `us` microseconds after it began to play. Whatever happens once,
// happens after ten seconds.
struct ClockFault {
  std::string_view name;
  std::string_view help;
  // The media time that is stamped on a frame of this time.
  int64_t (*stamp)(bool video, int64_t us);
  // What is added to the wall clock in a sender report; nothing: it says that it knows no time.
  std::optional<int64_t> (*wall)(int64_t us);
  // Time stamps begin so that they wrap after ten seconds.
  bool wraps = false;
};

std::span<const ClockFault> ClockFaults();
// Null if there is none of that name.
const ClockFault* FindClockFault(std::string_view name);

}  // namespace camsim
