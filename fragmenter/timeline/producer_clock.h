// What the producer's wall clock showed at a media time.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace penstock::fragmenter {

// Maps one track's ticks (of its TickLine) to the producer's wall clock by the newest believed
// sender report, and to the server's until there is one. Follows small corrections by slewing, at
// most 2,000 ppm, so that times neither leap nor stand still:
//
//   us(ticks) = anchor_us + elapsed + clamp(correction_us, ±elapsed * 2000 / 10^6)
//   elapsed   = (ticks - anchor_ticks) / clock_rate
//
// A report that is off by more than a second is a clock that was set, or nonsense. It is followed
// when the next one agrees with it; three that agree with nothing, and the reports are not believed
// until two in a row agree again.
class ProducerClock {
 public:
  explicit ProducerClock(uint32_t clock_rate) : clock_rate_(clock_rate) {}

  // What came in with a unit; keeps the server's time as the reference while no report is believed.
  // True if the server's clock was set: re-anchored.
  [[nodiscard]] bool Received(int64_t ticks, ServerTime received);

  enum class Verdict {
    kFollowed,
    kAnchored,  // the first that is believed
    kJumped,    // the producer's clock was set, or is not believed any more: re-anchored
    kDoubted,   // contradicts what is believed; not followed
    kFrozen,    // the same time again
    kInsane     // too far from the server's clock
  };
  // `newest_ticks`: of the media that has come; a report of another time cannot be meant.
  Verdict Report(int64_t ticks, ProducerTime producer, ServerTime received, int64_t newest_ticks);

  // Requires anchored(). Going on from a larger to a smaller argument is fine.
  int64_t MapUs(int64_t ticks) const;

  bool anchored() const { return anchored_; }
  bool from_reports() const { return from_reports_; }

  // Whether reports that agree with each other say how the track lies beside others of the same
  // producer; and the producer's time, by them, without its jumps: a clock that is set does not
  // move sound against pictures. us(ticks) - jumps_us.
  bool settled() const { return settled_; }
  int64_t SteadyUs(int64_t ticks) const { return MapUs(ticks) - jumps_us_; }

 private:
  struct Said {
    int64_t ticks = 0;
    int64_t us = 0;
  };
  void Anchor(int64_t ticks, int64_t us);
  void Jump(int64_t ticks, int64_t us);
  void Follow(int64_t ticks, int64_t us);
  int64_t SlewedMax(int64_t elapsed_us) const;
  bool AgreesWithDoubted(int64_t ticks, int64_t us) const;
  Verdict Doubt(Said said, int64_t server_us, Verdict otherwise);

  uint32_t clock_rate_;
  bool anchored_ = false;
  bool from_reports_ = false;
  bool ever_believed_ = false;
  bool settled_ = false;
  int64_t anchor_ticks_ = 0;
  int64_t anchor_us_ = 0;
  int64_t correction_us_ = 0;    // still to be slewed from the anchor on
  int64_t jumps_us_ = 0;         // the sum of what was not slewed since settled
  std::optional<Said> doubted_;  // the last report, if it was not followed
  int doubts_ = 0;               // in a row
  std::optional<int64_t> last_us_;
};

}  // namespace penstock::fragmenter
