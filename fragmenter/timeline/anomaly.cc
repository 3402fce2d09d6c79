#include "fragmenter/timeline/anomaly.h"

#include <string>

#include "base/metrics.h"

namespace penstock::fragmenter {
namespace {

metrics::Counter& CounterOf(ClockAnomaly anomaly) {
  return metrics::GetCounter("penstock_clock_anomalies_total",
                             "What was wrong with clocks and time stamps, by reason",
                             "reason=\"" + std::string(ClockAnomalyName(anomaly)) + "\"");
}

}  // namespace

std::string_view ClockAnomalyName(ClockAnomaly anomaly) {
  switch (anomaly) {
    case ClockAnomaly::kStampLeap:
      return "stamp_leap";
    case ClockAnomaly::kStampFrozen:
      return "stamp_frozen";
    case ClockAnomaly::kStampRate:
      return "stamp_rate";
    case ClockAnomaly::kDecodeTimes:
      return "decode_times";
    case ClockAnomaly::kReportJump:
      return "report_jump";
    case ClockAnomaly::kReportDoubt:
      return "report_doubt";
    case ClockAnomaly::kReportInsane:
      return "report_insane";
    case ClockAnomaly::kReportFrozen:
      return "report_frozen";
    case ClockAnomaly::kServerClockSet:
      return "server_clock_set";
  }
  return "unknown";
}

void CountClockAnomaly(ClockAnomaly anomaly) {
  // All of them at once, so that a reason is there, as 0, before it first happens.
  static const auto counters = [] {
    std::array<metrics::Counter*, kClockAnomalies> all{};
    for (size_t i = 0; i < all.size(); ++i) all[i] = &CounterOf(static_cast<ClockAnomaly>(i));
    return all;
  }();
  counters[static_cast<size_t>(anomaly)]->Add();
}

}  // namespace penstock::fragmenter
