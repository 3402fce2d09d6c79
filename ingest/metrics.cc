#include "ingest/metrics.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "fragmenter/timeline/anomaly.h"

namespace penstock::ingest {
namespace {

metrics::Counter* Dropped(std::string_view reason) {
  return &metrics::GetCounter("penstock_fragments_dropped_total",
                              "Fragments that were not stored, by reason",
                              fmt::format("reason=\"{}\"", reason));
}

metrics::Counter* Gap(store::GapReason reason) {
  return &metrics::GetCounter(
      "penstock_gap_milliseconds_total",
      "Time of which nothing is stored although its stream goes on, by reason",
      fmt::format("reason=\"{}\"", store::GapReasonName(reason)));
}

}  // namespace

IngestMetrics& IngestMetrics::Get() {
  static auto* metrics = new IngestMetrics;
  return *metrics;
}

IngestMetrics::IngestMetrics() : dropped_{Dropped("overload"), Dropped("refused")}, gaps_{} {
  for (size_t i = 1; i < gaps_.size(); ++i) gaps_[i] = Gap(static_cast<store::GapReason>(i));
  fragmenter::MakeClockAnomalyCounters();
}

void IngestMetrics::CountGap(store::GapReason reason, std::chrono::microseconds length) {
  const auto at = static_cast<size_t>(reason);
  CHECK(at > 0);
  CHECK(at < gaps_.size());
  gaps_[at]->Add(static_cast<uint64_t>(std::max<int64_t>(length.count() / 1000, 0)));
}

}  // namespace penstock::ingest
