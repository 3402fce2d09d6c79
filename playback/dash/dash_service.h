// A playback session as DASH: its manifest. Its segments are the HLS service's, a track at a time.
#pragma once

#include <memory>
#include <optional>

#include "base/ids.h"
#include "base/task.h"
#include "base/time.h"
#include "playback/dash/manifest.h"
#include "playback/dash/track_times.h"
#include "playback/hls/damaged_fragments.h"
#include "playback/hls/session.h"
#include "playback/resource.h"
#include "store/store.h"

namespace penstock::playback {

struct DashQuery {
  Session session;
  bool numbers = false;  // show fragments' numbers
  // From the address that an earlier manifest told.
  std::optional<Place> place;
  bool told = false;  // that one told all there will be
};

// Thread-safe: any executor may call it. Store, clock and `damaged` must outlive it, and it every
// call.
class DashService {
 public:
  // 24 hours of fragments of 2 s: some 10 MB.
  static constexpr size_t kRememberedMax = 43'200;

  DashService(store::Store& store, Clock& clock, const DamagedFragments& damaged)
      : store_(store), clock_(clock), damaged_(damaged) {}

  // kNotFound, kTrimmed: nothing to play (yet); kIo, kCorruption: nothing that can be read.
  Task<Result<Resource>> Manifest(StreamName stream, DashQuery query,
                                  std::shared_ptr<const DashNames> names);

 private:
  store::Store& store_;
  Clock& clock_;
  const DamagedFragments& damaged_;
  TrackTimes times_{kRememberedMax};
};

}  // namespace penstock::playback
