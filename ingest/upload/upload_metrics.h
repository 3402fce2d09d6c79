// What uploads count beyond what all recording does (ingest/metrics.h); there as 0 before it first
// happens.
#pragma once

#include "base/metrics.h"

namespace penstock::ingest {

// Thread-safe.
struct UploadMetrics {
  // The first call makes all of them.
  static UploadMetrics& Get() {
    static UploadMetrics metrics;
    return metrics;
  }

  metrics::Gauge& connections =
      metrics::GetGauge("penstock_upload_connections", "PutMedia connections that are open");
  metrics::Counter& repeated = metrics::GetCounter(
      "penstock_upload_fragments_repeated_total",
      "Uploaded fragments that were stored already and were only acknowledged again");
  metrics::Histogram& persisted = metrics::GetHistogram(
      "penstock_upload_persisted_seconds", "From an uploaded fragment's end to its being durable");
};

}  // namespace penstock::ingest
