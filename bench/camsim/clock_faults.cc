#include "bench/camsim/clock_faults.h"

#include <algorithm>
#include <array>

namespace camsim {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kOnset = 10 * kSecond;

using Offset = std::optional<int64_t>;

int64_t Right(bool, int64_t us) { return us; }
Offset RightWall(int64_t) { return 0; }

int64_t LeapForward(bool, int64_t us) { return us < kOnset ? us : us + kHour; }
int64_t LeapBack(bool, int64_t us) { return us < kOnset ? us : us - kHour; }
int64_t VideoStandsStill(bool video, int64_t us) { return video ? std::min(us, kOnset) : us; }
int64_t AlwaysZero(bool video, int64_t us) { return video ? 0 : us; }
// Stamped as if each picture lasted 1/30 s, of a clip that has 25.
int64_t LyingRate(bool video, int64_t us) { return video ? us * 25 / 30 : us; }

Offset HoursOff(int64_t) { return 3 * kHour; }
Offset NoWall(int64_t) { return std::nullopt; }
Offset SetForward(int64_t us) { return us < kOnset ? 0 : kMinute; }
Offset SetBack(int64_t us) { return us < kOnset ? 0 : -kMinute; }
Offset StandsStill(int64_t us) { return us < kOnset ? 0 : kOnset - us; }
// The fractional part of multiples of the golden ratio: the same times in every run.
Offset Wild(int64_t us) {
  return us < kOnset ? 0 : us / kSecond * 618'033'989 % (10 * kMinute) - 5 * kMinute;
}

constexpr std::array kFaults = {
    ClockFault{"hours-off", "reports say three hours later", Right, HoursOff},
    ClockFault{"no-wall-clock", "reports without a time", Right, NoWall},
    ClockFault{"ntp-step-forward", "the wall clock is set 60 s forward", Right, SetForward},
    ClockFault{"ntp-step-back", "the wall clock is set 60 s back", Right, SetBack},
    ClockFault{"frozen-reports", "reports repeat their time", Right, StandsStill},
    ClockFault{"wild-reports", "reports of any time within 5 minutes", Right, Wild},
    ClockFault{"stamp-leap-forward", "RTP time stamps leap an hour forward", LeapForward,
               RightWall},
    ClockFault{"stamp-leap-back", "RTP time stamps leap an hour back", LeapBack, RightWall},
    ClockFault{"stamps-frozen", "RTP time stamps of the video stand still", VideoStandsStill,
               RightWall},
    ClockFault{"stamps-zero", "RTP time stamps of the video never move", AlwaysZero, RightWall},
    ClockFault{"fps-lies", "video stamped as if it had 30 frames a second", LyingRate, RightWall},
    ClockFault{"wrap", "RTP time stamps wrap at 2^32", Right, RightWall, true},
};

}  // namespace

std::span<const ClockFault> ClockFaults() { return kFaults; }

const ClockFault* FindClockFault(std::string_view name) {
  const auto found = std::find_if(kFaults.begin(), kFaults.end(),
                                  [&](const ClockFault& fault) { return fault.name == name; });
  return found == kFaults.end() ? nullptr : &*found;
}

}  // namespace camsim
