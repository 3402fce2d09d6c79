// What recording counts, each found once and there, as 0, before it first happens: whoever reads
// the metrics sees a counter grow, but not that one which came into the world as 1 had been 0.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "base/metrics.h"
#include "store/item.h"

namespace penstock::ingest {

// Why a fragment was not stored.
enum class DropReason : uint8_t {
  kOverload,  // too much waits for the disk
  kRefused,   // the store did not take it
};

// Thread-safe.
class IngestMetrics {
 public:
  // The first call makes all of them.
  static IngestMetrics& Get();

  void CountDropped(DropReason reason) { dropped_[static_cast<size_t>(reason)]->Add(); }
  // A time of which nothing is stored though its stream went on.
  void CountGap(store::GapReason reason, std::chrono::microseconds length);

  metrics::Gauge& publications =
      metrics::GetGauge("penstock_publications", "Streams that are being published now");
  metrics::Counter& fragments_stored =
      metrics::GetCounter("penstock_fragments_stored_total", "Fragments that became durable");
  metrics::Counter& received_bytes =
      metrics::GetCounter("penstock_media_received_bytes_total", "Bytes of access units");
  metrics::Counter& units_refused = metrics::GetCounter("penstock_access_units_refused_total",
                                                        "Access units that could not be used");
  metrics::Counter& packets_lost =
      metrics::GetCounter("penstock_rtp_packets_lost_total", "RTP packets that never came");

 private:
  IngestMetrics();

  std::array<metrics::Counter*, 2> dropped_;
  std::array<metrics::Counter*, 7> gaps_;  // by store::GapReason; the first, kNone, is not set
};

}  // namespace penstock::ingest
