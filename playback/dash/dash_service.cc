#include "playback/dash/dash_service.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "playback/dash/listing.h"

namespace penstock::playback {
namespace {

using Mode = Session::Mode;

constexpr char kManifestType[] = "application/dash+xml";

// What `known` is of may have turned out to be unreadable, or the place to be made up.
bool IsKnown(const DashListing& list, const std::vector<TimedFragment>& fragments) {
  return list.known && fragments.front().header.ordinal == list.known->from;
}

uint64_t FirstShown(const DashListing& list, const std::vector<Period>& periods,
                    const Session& session) {
  const uint64_t last = periods.back().fragments.back().header.ordinal;
  if (session.mode != Mode::kReplay) return std::min(list.shown, last);
  const uint64_t count = session.entries_max;
  return last >= count ? last - count + 1 : 0;
}

Timeline TimelineOf(const DashListing& list, const std::vector<TimedFragment>& fragments,
                    Mode mode) {
  Timeline timeline;
  timeline.by_clock = mode != Mode::kOnDemand;
  if (IsKnown(list, fragments)) {
    timeline.known = list.known;
  } else if (mode == Mode::kLive) {
    timeline.start_us = LiveStartUs(fragments);
  } else {
    timeline.start_us = list.start_us;
  }
  return timeline;
}

// How a replay ends. shaka-player ends with static manifests only, and takes the times of one that
// follows a dynamic one without an end for another time line's. dash.js counts the segments of a
// static one as if they were those of the list before it. So who plays is told of the end first,
// then of all that is left with it, and gets that list as a static one when it loads it again.
enum class Ending {
  kTold,   // the last dynamic manifest. Nothing slides out of it that the one before had.
  kStays,  // the same list, static, on the same time line
  kOver,   // for who comes now: as a stored range, from zero on
};

// Of a time line that begins with this ordinal.
std::vector<Period> PeriodsFrom(uint64_t ordinal, const std::vector<TimedFragment>& fragments) {
  const auto first = std::ranges::lower_bound(
      fragments, ordinal, {}, [](const TimedFragment& one) { return one.header.ordinal; });
  return MakePeriods(std::span(first, fragments.end()), Timeline{});
}

}  // namespace

Task<Result<Resource>> DashService::Manifest(StreamName stream, DashQuery query,
                                             std::shared_ptr<const DashNames> names) {
  const std::optional<store::StreamInfo> info = store_.GetStream(stream);
  const std::shared_ptr<store::Shard> shard = info ? store_.OpenShard(info->shard) : nullptr;
  if (!shard) co_return Error(ErrorCode::kNotFound, fmt::format("no stream {}", stream.text()));
  const Session& session = query.session;
  ManifestShape shape;
  shape.dynamic = shape.by_clock = session.mode != Mode::kOnDemand;
  shape.now = clock_.Now();
  shape.entries_max = session.entries_max;
  shape.by_producer = session.by_producer;
  shape.times = session.dates;
  shape.numbers = query.numbers;
  shape.names = names.get();

  const bool again = query.place.has_value();
  std::vector<TimedFragment> fragments;
  std::vector<Period> periods;
  while (periods.empty()) {
    PS_CO_TRY(const DashListing list,
              co_await ListForDash(shard, session, query.place, shape.now, damaged_));
    PS_CO_TRY(fragments, co_await times_.Load(shard, list.items));
    periods = MakePeriods(fragments, TimelineOf(list, fragments, session.mode));
    shape.longest_us = list.longest_us;
    if (session.mode == Mode::kReplay) {
      if (list.ended) shape.end_us = EndUs(periods.back());
      const bool all = LeaveWhatIsDue(shape.now, periods);
      // The player was away for longer than was looked at.
      if (all && list.more) {
        periods.clear();
        query.place.reset();
        continue;
      }
      if (all && list.ended) {
        const Ending ending = !again ? Ending::kOver : query.told ? Ending::kStays : Ending::kTold;
        shape.told = ending == Ending::kTold;
        shape.dynamic = shape.told;
        shape.by_clock = ending != Ending::kOver;
        if (ending == Ending::kOver)
          periods = PeriodsFrom(FirstShown(list, periods, session), fragments);
      }
    }
    if (shape.dynamic && !shape.told) DropBefore(FirstShown(list, periods, session), periods);
  }

  std::string text = RenderManifest(periods, shape);
  Resource resource;
  resource.content_type = kManifestType;
  resource.etag = fmt::format("\"{:x}-{:08x}\"", text.size(), Crc32c(AsBytes(text)));
  resource.parts.emplace_back(ByteChain(Bytes::From(std::move(text))));
  co_return resource;
}

}  // namespace penstock::playback
