#include "fragmenter/timeline/anomaly.h"

#include <string>

#include "base/metrics.h"

namespace penstock::fragmenter {
namespace {

using Counters = std::array<metrics::Counter*, kClockAnomalies>;

const Counters& AllCounters() {
  static const Counters counters = [] {
    Counters all{};
    for (size_t i = 0; i < all.size(); ++i) {
      const std::string reason(ClockAnomalyName(static_cast<ClockAnomaly>(i)));
      all[i] = &metrics::GetCounter("penstock_clock_anomalies_total",
                                    "What was wrong with clocks and time stamps, by reason",
                                    "reason=\"" + reason + "\"");
    }
    return all;
  }();
  return counters;
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

void MakeClockAnomalyCounters() { AllCounters(); }

void CountClockAnomaly(ClockAnomaly anomaly) { AllCounters()[static_cast<size_t>(anomaly)]->Add(); }

}  // namespace penstock::fragmenter
