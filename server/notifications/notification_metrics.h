// What notifications count; there as 0 before it first happens.
#pragma once

#include <fmt/format.h>

#include "base/metrics.h"

namespace penstock::server::notifications {

// Thread-safe.
struct NotificationMetrics {
  // The first call makes all of them.
  static NotificationMetrics& Get() {
    static NotificationMetrics metrics;
    return metrics;
  }

  static metrics::Counter& Result(std::string_view result) {
    return metrics::GetCounter("penstock_notifications_total",
                               "Notifications that are over, by what became of them",
                               fmt::format("result=\"{}\"", result));
  }
  static metrics::Counter& Failure(std::string_view reason) {
    return metrics::GetCounter("penstock_notification_failures_total",
                               "Tries of notifications that failed",
                               fmt::format("reason=\"{}\"", reason));
  }

  metrics::Counter& delivered = Result("delivered");
  metrics::Counter& refused = Result("refused");  // by the webhook
  metrics::Counter& expired = Result("expired");  // could not be delivered in time
  metrics::Counter& lost = Result("lost");        // the fragment's tags could not be read any more
  metrics::Counter& status = Failure("status");
  metrics::Histogram& delay =
      metrics::GetHistogram("penstock_notification_delay_seconds",
                            "From the end of a fragment to its notification's being delivered");
};

}  // namespace penstock::server::notifications
