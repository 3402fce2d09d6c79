// What status sees of a publication, whatever it comes by.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "ingest/sources.h"

namespace penstock::ingest {

// What has been counted so far.
struct RecorderCounters {
  std::vector<TrackStatus> tracks;  // that were announced or sent since the last Break
  uint64_t fragments_stored = 0;
  uint64_t fragments_dropped = 0;
  uint64_t fragments_waiting = 0;  // cut, neither stored nor dropped yet
  uint64_t bits_per_second = 0;
  // Since the last Break, or the beginning:
  std::chrono::milliseconds running{
      0};                              // from the first access unit, while there is none from then
  bool stored = false;                 // a fragment
  std::optional<Error> storage_error;  // why the newest fragment is not on disk
  // Why nothing has come since the newest fragment; kNone while something does, nullopt before the
  // shard is known.
  std::optional<store::GapReason> missing;
};

// Thread-safe. May outlive the publication.
class PublicationView {
 public:
  virtual ~PublicationView() = default;
  virtual RecorderCounters Snapshot(SteadyTime now) const = 0;
};

}  // namespace penstock::ingest
