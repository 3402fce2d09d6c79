// What is stored of a stream's time, and why the rest is not. Pure.
#pragma once

#include <optional>
#include <vector>

#include "base/time.h"
#include "store/item.h"

namespace penstock::server {

struct CoverageRange {
  ServerTime start;
  ServerTime end;
  bool stored = false;
  // Of what is not stored. kNone: nobody knows (recorded by an older program, or the clock was set
  // forward; or the log has lost what was there).
  store::GapReason reason = store::GapReason::kNone;
  // It was stored and is no longer kept, though what a hold keeps is older. Without a reason.
  bool expired = false;
  uint64_t fragments = 0;
  uint64_t bytes = 0;
};

// Takes items in order, and makes ranges without a space between them:
//
//   start <= end, and end == start of the next,
//
// but where the server's clock was set back: what came after that begins earlier than what came
// before it ends. Within a run nothing is missing but gaps, however late it arrived.
class CoverageBuilder {
 public:
  // The item before the first that counts: tells what lies between the two, and may reach into it.
  void Begin(const store::ItemHeader& before);
  // The last one that counted elsewhere: what comes begins where it ends.
  void Continue(const store::ItemHeader& before);
  void Add(const store::ItemHeader& item);
  // Items between the last one and the next that is added are not there any more: retention took
  // them, or the log lost them.
  void Skip(bool expired);
  // What followed the last item has expired, all of it before `until`.
  void Expired(ServerTime until);
  // Nothing came from the last item until `now`.
  void End(store::GapReason reason, ServerTime now);

  // What of it lies in [from, to). Nothing: without a limit.
  std::vector<CoverageRange> Take(std::optional<ServerTime> from,
                                  std::optional<ServerTime> to) const;

 private:
  void AddHole(ServerTime start, ServerTime end, store::GapReason reason, bool expired = false);
  void AddStored(ServerTime start, ServerTime end, uint64_t bytes);
  void FillBefore(const store::ItemHeader& item, bool missing);

  std::vector<CoverageRange> ranges_;
  ServerTime last_start_;  // of the newest item; never less within a clock run
  enum class Skipped { kNothing, kExpired, kLost } skipped_ = Skipped::kNothing;  // since then
};

}  // namespace penstock::server
