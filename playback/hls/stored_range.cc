#include "playback/hls/stored_range.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "base/limits.h"
#include "store/millisecond_range.h"

namespace penstock::playback {
namespace {

using store::ItemHeader;
using store::ItemRef;
using store::ShardStatus;
using Items = std::vector<ItemHeader>;
using ShardPtr = std::shared_ptr<store::Shard>;

constexpr size_t kPageItems = 4096;

Error Nothing(std::string message) { return Error(ErrorCode::kNotFound, std::move(message)); }

Items HeadersOf(const std::vector<ItemRef>& refs) {
  Items items;
  items.reserve(refs.size());
  for (const ItemRef& ref : refs) items.push_back(ref.header);
  return items;
}

// The newest `count` items, those included that a slow disk has not taken yet. Not what only holds
// keep; nor what lies before something that the log has lost.
Task<Result<Items>> Newest(ShardPtr shard, uint64_t not_before, size_t count) {
  const ShardStatus status = shard->GetStatus();
  const uint64_t far_back = status.live_end > count ? status.live_end - count : 0;
  const uint64_t begin = std::max({far_back, not_before, status.oldest_ordinal});
  store::Selector from = store::FromOrdinal{begin};
  PS_CO_TRY(std::vector<ItemRef> refs, co_await shard->Find(from, count));
  const uint64_t next = refs.empty() ? begin : refs.back().header.ordinal + 1;
  for (ItemRef& ref : shard->FindLive(next, count - refs.size())) refs.push_back(std::move(ref));
  Items items = HeadersOf(refs);
  const auto jump = std::adjacent_find(items.rbegin(), items.rend(),
                                       [](const ItemHeader& later, const ItemHeader& item) {
                                         return later.ordinal != item.ordinal + 1;
                                       });
  if (jump != items.rend()) items.erase(items.begin(), std::prev(jump.base()));
  co_return items;
}

Result<PlaylistItems> Listed(Items items, size_t first, PlaylistShape::Kind kind,
                             const ShardId& shard, const DamagedFragments& damaged) {
  damaged.Mark(shard, items);
  PlaylistItems list;
  list.kind = kind;
  list.looked_at = std::move(items);
  const std::span<const ItemHeader> all(list.looked_at);
  const std::span<const ItemHeader> listed = TrimGaps(all.subspan(first), kind);
  if (listed.empty()) return Nothing("there is nothing to play yet");
  list.first = static_cast<size_t>(listed.data() - all.data());
  list.count = listed.size();
  return list;
}

Task<Result<PlaylistItems>> ListLive(ShardPtr shard, const DamagedFragments& damaged) {
  PS_CO_TRY(Items items, co_await Newest(shard, 0, kLiveLookback));
  const size_t first = LiveStart(items);
  co_return Listed(std::move(items), first, PlaylistShape::Kind::kLive, shard->id(), damaged);
}

// Players are told to begin at the first entry as long as that is the one that was asked for.
Task<Result<PlaylistItems>> ListRewind(ShardPtr shard, uint64_t first,
                                       const DamagedFragments& damaged) {
  PS_CO_TRY(Items items, co_await Newest(shard, first, limits::kPlaylistEntriesMax));
  const bool whole = !items.empty() && items.front().ordinal == first;
  co_return Listed(std::move(items), 0,
                   whole ? PlaylistShape::Kind::kRewind : PlaylistShape::Kind::kLive, shard->id(),
                   damaged);
}

Task<Result<uint64_t>> TooFarBack(ShardPtr shard, uint64_t ordinal, ServerTime start) {
  const uint64_t back = shard->GetStatus().next_ordinal - ordinal;
  PS_CO_TRY(const Items reach, co_await Newest(shard, ordinal, limits::kPlaylistEntriesMax));
  std::string text = fmt::format(
      "start {} is {} fragments back; a list that follows the live edge may begin at most {} back",
      FormatRfc3339(start), back, limits::kPlaylistEntriesMax);
  if (!reach.empty()) text += ", now at " + FormatRfc3339(reach.front().server_time);
  co_return Error(ErrorCode::kTooLarge,
                  text + ": give an end, too, and play what is further back in pieces");
}

// Appends what a page has of [.., end). True if the range goes on after it.
bool TakePage(const std::vector<ItemRef>& page, ServerTime end, Items& items) {
  for (const ItemRef& ref : page) {
    if (ref.header.server_time >= end) return false;
    items.push_back(ref.header);
  }
  return page.size() == kPageItems;
}

Error NothingBetween(const ShardStatus& status, ServerTime start, ServerTime end) {
  const std::string range =
      fmt::format("between {} and {}", FormatRfc3339(start), FormatRfc3339(end));
  if (status.oldest && status.oldest_ordinal > 0 && end <= status.oldest->server_time) {
    return Error(ErrorCode::kTrimmed,
                 fmt::format("what was stored {} is no longer kept; the oldest is of {}", range,
                             FormatRfc3339(status.oldest->server_time)));
  }
  return Nothing(fmt::format("nothing is stored {}", range));
}

Task<Result<PlaylistItems>> ListVod(ShardPtr shard, ServerTime start, ServerTime end,
                                    const DamagedFragments& damaged) {
  Items items;
  store::Selector from = store::FromServerTime{start};
  bool more = true;
  while (more) {
    PS_CO_TRY(const std::vector<ItemRef> page, co_await shard->Find(from, kPageItems));
    more = TakePage(page, end, items);
    if (items.size() > kVodEntriesMax) {
      co_return Error(ErrorCode::kTooLarge,
                      fmt::format("the range has more than {} fragments: ask for a shorter one",
                                  kVodEntriesMax));
    }
    if (more) from = store::FromOrdinal{page.back().header.ordinal + 1};
  }
  // Retention may have gone by between two pages.
  const ShardStatus status = shard->GetStatus();
  std::erase_if(items, [&](const ItemHeader& item) { return !status.Shows(item.ordinal); });
  Result<PlaylistItems> list =
      Listed(std::move(items), 0, PlaylistShape::Kind::kVod, shard->id(), damaged);
  if (!list.ok()) co_return NothingBetween(shard->GetStatus(), start, end);
  co_return list;
}

int64_t TimeOf(const ItemHeader& item, const Session& session) {
  return session.by_producer ? ToUs(item.producer_time) : ToMs(item.server_time) * 1000;
}

Error NothingInRange() { return Nothing("No fragments were found for the stream in this range."); }

// Of two that say the same producer time the one that was received later is the right one.
void KeepNewestOfEach(Items& items) {
  const auto same = [](const ItemHeader& a, const ItemHeader& b) {
    return a.producer_time == b.producer_time;
  };
  const auto kept = std::unique(items.rbegin(), items.rend(), same);
  items.erase(items.begin(), kept.base());
}

Task<Result<PlaylistItems>> ListOnDemand(ShardPtr shard, Session session,
                                         const DamagedFragments& damaged) {
  store::TimeRange range = RangeOf(session);
  PS_CO_TRY(const std::vector<ItemRef> refs,
            co_await shard->FindStarted(std::move(range), std::nullopt, session.entries_max));
  Items items = HeadersOf(refs);
  if (session.by_producer) KeepNewestOfEach(items);
  if (items.empty()) co_return NothingInRange();
  co_return Listed(std::move(items), 0, PlaylistShape::Kind::kVod, shard->id(), damaged);
}

void KeepLast(Items& items, size_t count) {
  if (items.size() > count) items.erase(items.begin(), items.end() - static_cast<ptrdiff_t>(count));
}

size_t ReplayKept(const Session& session) {
  return std::max<size_t>(session.entries_max, kLiveLookback);
}

// What a replay lists, and a little before it.
struct Replayed {
  Items items;
  std::chrono::microseconds played{0};  // up to the end of the last item
  bool ended = false;
  bool newest = false;  // the last item is the newest there is
  bool jumped = false;  // something has gone before items.front()
};

// A fragment is listed when all before the one before the one before it have been played: players
// begin with three.
Task<Result<Replayed>> Replay(ShardPtr shard, Session session, ReplayPlace place,
                              std::chrono::microseconds elapsed) {
  constexpr size_t kAhead = 2;
  const size_t kept = ReplayKept(session);
  Replayed out;
  out.played = place.played;
  size_t ahead = 0;
  bool more = true;
  store::Selector from = store::FromOrdinal{place.ordinal};
  // Not far beyond what is listed where that begins nearby.
  size_t limit = std::min(kept + kLiveLookback, kPageItems);
  while (more) {
    PS_CO_TRY(const std::vector<ItemRef> page, co_await shard->Find(from, limit));
    more = page.size() == limit;
    out.jumped |= out.items.empty() && !page.empty() && page.front().header.ordinal > place.ordinal;
    for (const ItemRef& ref : page) {
      out.ended = TimeOf(ref.header, session) > session.to_us;
      if (!out.ended && out.played > elapsed) more = ++ahead <= kAhead && more;
      if (out.ended || ahead > kAhead) break;
      // Nobody loads again what has slid out.
      if (!out.items.empty() && ref.header.ordinal != out.items.back().ordinal + 1) {
        out.items.clear();
        out.jumped = true;
      }
      if (out.items.size() == 2 * kept) KeepLast(out.items, kept);
      out.items.push_back(ref.header);
      out.played += EntryDuration(ref.header);
    }
    out.newest = !out.ended && ahead <= kAhead && page.size() < limit;
    more = more && !out.ended;
    if (more) from = store::FromOrdinal{page.back().header.ordinal + 1};
    limit = kPageItems;
  }
  KeepLast(out.items, kept);
  co_return out;
}

Task<Result<Replayed>> ReplayFromStart(ShardPtr shard, Session session,
                                       std::chrono::microseconds elapsed) {
  store::TimeRange range = RangeOf(session);
  PS_CO_TRY(const std::vector<ItemRef> begin,
            co_await shard->FindStarted(std::move(range), std::nullopt, 1));
  if (begin.empty()) co_return NothingInRange();
  ReplayPlace start{.ordinal = begin.front().header.ordinal};
  co_return co_await Replay(shard, session, start, elapsed);
}

// From the place on that was noted, if that gives the same: when the clock was set back it does
// not.
Task<Result<Replayed>> ReplayFrom(ShardPtr shard, Session session, ReplayPlace place,
                                  std::chrono::microseconds elapsed) {
  if (place.played <= elapsed) {
    PS_CO_TRY(Replayed out, co_await Replay(shard, session, place, elapsed));
    const bool whole = out.jumped || out.items.size() >= ReplayKept(session);
    if (whole && !out.items.empty()) co_return out;
  }
  co_return co_await ReplayFromStart(shard, session, elapsed);
}

// Where the next look at it begins: at the first of the items that were kept.
ReplayPlace PlaceOf(const Replayed& replayed) {
  ReplayPlace place{.ordinal = replayed.items.front().ordinal, .played = replayed.played};
  for (const ItemHeader& item : replayed.items) place.played -= EntryDuration(item);
  return place;
}

Task<Result<PlaylistItems>> ListReplay(ShardPtr shard, Session session, ServerTime now,
                                       const DamagedFragments& damaged, ReplayPlaces* places) {
  const std::chrono::microseconds elapsed = now - session.begun;
  std::optional<ReplayPlace> place;
  if (places != nullptr) place = places->Get(shard->id(), session);
  Replayed replayed;
  if (place) {
    PS_CO_TRY(replayed, co_await ReplayFrom(shard, session, *place, elapsed));
  } else {
    PS_CO_TRY(replayed, co_await ReplayFromStart(shard, session, elapsed));
  }
  if (replayed.items.empty()) co_return NothingInRange();
  if (places != nullptr && replayed.items.size() >= ReplayKept(session))
    places->Put(shard->id(), session, PlaceOf(replayed));
  const bool ended =
      replayed.ended || (replayed.newest && IsOver(session, replayed.items.back(), now));
  const size_t size = replayed.items.size();
  const size_t first = size - std::min<size_t>(size, session.entries_max);
  PS_CO_TRY(PlaylistItems list, Listed(std::move(replayed.items), first, PlaylistShape::Kind::kLive,
                                       shard->id(), damaged));
  list.ended = ended;
  co_return list;
}

Task<Result<PlaylistItems>> ListNewest(ShardPtr shard, size_t count,
                                       const DamagedFragments& damaged) {
  PS_CO_TRY(Items items, co_await Newest(shard, 0, std::max(count, kLiveLookback)));
  const size_t first = items.size() - std::min(items.size(), count);
  co_return Listed(std::move(items), first, PlaylistShape::Kind::kLive, shard->id(), damaged);
}

}  // namespace

store::TimeRange RangeOf(const Session& session) {
  return session.by_producer ? store::ProducerMilliseconds(session.from_us, session.to_us)
                             : store::ServerMilliseconds(session.from_us, session.to_us);
}

bool IsOver(const Session& session, const ItemHeader& last, ServerTime now) {
  constexpr int64_t kLateMs = 60'000;
  return session.to_us != Session::kNoEnd && ToMs(now) - kLateMs > session.to_us / 1000 &&
         ToMs(now) - kLateMs > ToMs(last.server_time);
}

Task<Result<uint64_t>> FindRewindStart(ShardPtr shard, ServerTime start) {
  store::Selector from = store::FromServerTime{start};
  PS_CO_TRY(const std::vector<ItemRef> begin, co_await shard->Find(from, 1));
  if (begin.empty()) {
    co_return Nothing(fmt::format("nothing is stored from {} on yet", FormatRfc3339(start)));
  }
  const uint64_t ordinal = begin.front().header.ordinal;
  if (shard->GetStatus().next_ordinal - ordinal > limits::kPlaylistEntriesMax) {
    co_return co_await TooFarBack(shard, ordinal, start);
  }
  const ShardStatus status = shard->GetStatus();
  if (ordinal < status.oldest_ordinal && status.Shows(ordinal)) {
    std::string text = fmt::format("what is stored from {} on is held, and what came after that ",
                                   FormatRfc3339(start));
    text += status.oldest ? "is no longer kept before " + FormatRfc3339(status.oldest->server_time)
                          : "is no longer kept";
    co_return Error(ErrorCode::kTooLarge, text + ": give an end, too, to play what is held");
  }
  co_return ordinal;
}

Task<Result<PlaylistItems>> ListItems(ShardPtr shard, PlaylistQuery query,
                                      const DamagedFragments& damaged) {
  if (query.end) co_return co_await ListVod(shard, *query.start, *query.end, damaged);
  if (query.first) co_return co_await ListRewind(shard, *query.first, damaged);
  CHECK(!query.start.has_value());
  co_return co_await ListLive(shard, damaged);
}

Task<Result<PlaylistItems>> ListSession(ShardPtr shard, Session session, ServerTime now,
                                        const DamagedFragments& damaged, ReplayPlaces* places) {
  switch (session.mode) {
    case Session::Mode::kLive:
      co_return co_await ListNewest(shard, session.entries_max, damaged);
    case Session::Mode::kReplay:
      co_return co_await ListReplay(shard, session, now, damaged, places);
    case Session::Mode::kOnDemand:
      co_return co_await ListOnDemand(shard, session, damaged);
  }
  co_return Error(ErrorCode::kInternal, "a session of no mode");
}

}  // namespace penstock::playback
