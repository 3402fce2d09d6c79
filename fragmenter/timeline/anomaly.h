// What is wrong with a source's clocks, by name.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::fragmenter {

enum class ClockAnomaly : uint8_t {
  kStampLeap,      // a track's time stamps leapt; the line goes on
  kStampFrozen,    // they stand still while media comes; placed by arrival
  kStampRate,      // they run faster or slower than the track's clock rate says; rescaled
  kDecodeTimes,    // the decode times that came with the units cannot be; made from pts
  kReportJump,     // the producer's wall clock was set; followed
  kReportDoubt,    // a sender report contradicts the ones before it, or the media; not followed
  kReportInsane,   // a sender report too far from the server's clock; not believed
  kReportFrozen,   // a sender report repeats its time; not followed
  kServerClockSet  // this machine's wall clock was set
};
inline constexpr size_t kClockAnomalies = 9;

// As in metrics and documents: "stamp_leap".
std::string_view ClockAnomalyName(ClockAnomaly anomaly);

// How often each was seen.
using ClockAnomalyCounts = std::array<uint64_t, kClockAnomalies>;

// penstock_clock_anomalies_total{reason="..."} of every reason is there from now on, as 0 before it
// first happens. Thread-safe.
void MakeClockAnomalyCounters();

// Adds one to that of this reason. Thread-safe.
void CountClockAnomaly(ClockAnomaly anomaly);

}  // namespace penstock::fragmenter
