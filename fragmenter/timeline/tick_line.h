// A track's time stamps without their jumps.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"

namespace penstock::fragmenter {

// Lays a track's time stamps on a line that never leaps and never stands still. A camera that sets
// its RTP clock goes on where it was, as much later as the server saw pass; one whose stamps stand
// still goes on by arrival. A pause in which the server waited as well is a pause and stays. One
// per track.
//
//   ticks = base_ticks + (raw - base_raw) * rate
//
// What is a leap:
//   back     a stamp not above the highest but two: reordered pictures lie between those
//   forward  step > elapsed + what the media had fallen behind + slack
// `elapsed` is the server's time between two units; slack is half a second or four ordinary steps,
// and 10 s where arrival says nothing: at the second unit and for media that comes in haste (a
// file, a sender that empties its buffer).
class TickLine {
 public:
  explicit TickLine(uint32_t clock_rate) : clock_rate_(clock_rate) {}

  struct Place {
    int64_t ticks = 0;
    // The raw time stamp leapt by this many ticks here; 0 otherwise.
    int64_t leap = 0;
    // The stamps stand still; placed by arrival. The unit before it was, too.
    bool frozen = false;
    bool frozen_before = false;
  };
  // `arrived` is a clock that nobody sets: the server's without its steps.
  Place Put(int64_t raw, ServerTime arrived);

  // Where a raw time stamp near the newest lies.
  int64_t Of(int64_t raw) const;

  // From the newest unit on, `raw` ticks of the stamps are `ticks` of the line. Both > 0.
  void SetRate(int64_t ticks, int64_t raw);

  bool started() const { return started_; }
  int64_t newest() const { return highs_[0]; }

 private:
  void Rebase(int64_t raw, int64_t ticks);
  bool IsLeap(int64_t step, int64_t elapsed_us) const;
  bool StandsStill(int64_t forward, int64_t elapsed_us);
  Place PutFrozen(int64_t raw, int64_t elapsed_us);
  void Accept(int64_t forward, int64_t elapsed_us);

  uint32_t clock_rate_;
  bool started_ = false;
  int64_t base_raw_ = 0;
  int64_t base_ticks_ = 0;
  int64_t rate_ticks_ = 1;
  int64_t rate_raw_ = 1;
  std::array<int64_t, 3>
      highs_{};       // the highest positions, each of a unit of its own; newest first
  int64_t step_ = 0;  // the last ordinary distance between two highest; 0: none yet
  // How far the media is behind where it was when it was earliest; negative: how far it came ahead
  // in haste. -10 s <= lag <= 10 s; forgotten in minutes, so that drift does not add up.
  int64_t lag_us_ = 0;
  ServerTime arrived_;
  // Since the stamps last moved as time does.
  int64_t still_us_ = 0;
  int64_t moved_ticks_ = 0;
  bool frozen_ = false;
};

}  // namespace penstock::fragmenter
