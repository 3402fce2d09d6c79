// What a simulated camera does wrong on request.
#pragma once

#include <cstdint>
#include <optional>

namespace camsim {

struct ClockFault;

struct Faults {
  uint32_t drop_every = 0;     // each n-th video packet is never sent
  uint32_t reorder_every = 0;  // each n-th video packet is sent behind its successor
  std::optional<uint32_t> stall_video_after_seconds;
  std::optional<uint32_t> close_after_seconds;
  bool silent_audio = false;   // announced, never sent
  bool no_key_frames = false;  // pictures that depend on others, only
  const ClockFault* clock = nullptr;
};

}  // namespace camsim
