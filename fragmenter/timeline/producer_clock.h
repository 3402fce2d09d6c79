// What the producer's wall clock showed at a media time.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace penstock::fragmenter {

// Maps one track's ticks (of its TickLine) to the producer's wall clock by the newest sane sender
// report, and to the server's until there is one. Follows small corrections by slewing, at most
// 2,000 ppm, so that times neither leap nor stand still; a larger one re-anchors.
class ProducerClock {
 public:
  explicit ProducerClock(uint32_t clock_rate) : clock_rate_(clock_rate) {}

  // What came in with a unit; keeps the server's time as the reference while no sane report has
  // come.
  void Received(int64_t ticks, ServerTime received);

  enum class Verdict { kFollowed, kAnchored, kJumped, kInsane };
  // kInsane: too far from the server's clock to be believed; if reports were believed before, they
  // are not until a sane one comes.
  Verdict Report(int64_t ticks, ProducerTime producer, ServerTime received);

  // Requires anchored(). Going on from a larger to a smaller argument is fine.
  int64_t MapUs(int64_t ticks) const;

  bool anchored() const { return anchored_; }
  bool from_reports() const { return from_reports_; }

 private:
  void Anchor(int64_t ticks, int64_t us);
  void Follow(int64_t ticks, int64_t us);

  uint32_t clock_rate_;
  bool anchored_ = false;
  bool from_reports_ = false;
  int64_t anchor_ticks_ = 0;
  int64_t anchor_us_ = 0;
  int64_t correction_us_ = 0;  // still to be slewed from the anchor on
};

}  // namespace penstock::fragmenter
