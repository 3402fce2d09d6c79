// Which fragments a manifest is about, and where its time line begins.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/task.h"
#include "playback/dash/periods.h"
#include "playback/hls/damaged_fragments.h"
#include "playback/hls/session.h"
#include "store/shard.h"

namespace penstock::playback {

struct DashListing {
  std::vector<store::ItemHeader> items;  // playable or not, by ordinals
  uint64_t shown = 0;                    // ordinal of the first one to be listed, if it is there
  std::optional<Place> known;            // of the first item
  // kReplay without it: when the first item begins. Of the others it is not known here.
  int64_t start_us = 0;
  bool ended = false;      // kReplay: nothing will follow
  bool more = false;       // kReplay: more is there than was looked at
  int64_t longest_us = 0;  // of what is listed, and in kLive of what was before it
};

// `place`: what an earlier manifest of the same session gave; left aside if it is of no use any
// more. kReplay goes on to what follows; which of it is due only its periods tell (DueUntil).
// Errors as ListSession.
Task<Result<DashListing>> ListForDash(std::shared_ptr<store::Shard> shard, Session session,
                                      std::optional<Place> place, ServerTime now,
                                      const DamagedFragments& damaged);

// Of a replay: leaves those that have been played by now if they were live, and at least one.
// `periods` of the listing's items. False if some were not due.
bool LeaveWhatIsDue(ServerTime now, std::vector<Period>& periods);

}  // namespace penstock::playback
