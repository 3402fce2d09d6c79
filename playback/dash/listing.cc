#include "playback/dash/listing.h"

#include <algorithm>
#include <deque>

#include "base/limits.h"
#include "playback/hls/media_playlist.h"
#include "playback/hls/stored_range.h"

namespace penstock::playback {
namespace {

using store::ItemHeader;
using store::ItemRef;
using ShardPtr = std::shared_ptr<store::Shard>;

constexpr size_t kPageItems = 1024;
// Of a replay that goes on: what may have become due since the last time, a minute's worth.
// Browsers wake pages that nobody sees once a minute.
constexpr size_t kSinceMax = 64;
// Players begin with three.
constexpr size_t kAhead = 3;
// Index and frame table round differently.
constexpr int64_t kRoundingUs = 100'000;

int64_t NowUs(ServerTime now) { return ToMs(now) * 1000; }

int64_t LongestUs(std::span<const ItemHeader> items) {
  std::chrono::microseconds longest{1000};
  for (const ItemHeader& item : items) longest = std::max(longest, EntryDuration(item));
  // Whole milliseconds, upwards.
  return (longest.count() + 999) / 1000 * 1000;
}

bool IsAfter(const ItemHeader& item, const Session& session) {
  const int64_t us = session.by_producer ? ToUs(item.producer_time) : ToMs(item.server_time) * 1000;
  return us > session.to_us;
}

// What there is from an ordinal on: what is stored, and behind it what is not yet.
Task<Result<std::vector<ItemHeader>>> FindFrom(ShardPtr shard, uint64_t ordinal, size_t limit) {
  store::Selector from = store::FromOrdinal{ordinal};
  PS_CO_TRY(std::vector<ItemRef> refs, co_await shard->Find(from, limit));
  std::vector<ItemHeader> items;
  items.reserve(refs.size());
  for (const ItemRef& ref : refs) items.push_back(ref.header);
  co_return items;
}

// A replay from its beginning, by what the index says of its fragments' lengths: those of the
// newest that are due, and a few more.
class Replayed {
 public:
  Replayed(const Session& session, ServerTime now, int64_t lead_us)
      : session_(session), now_us_(NowUs(now)), at_us_(NowUs(session.begun) - lead_us) {}

  // False if nothing more is wanted.
  bool Take(const ItemHeader& item) {
    if (IsAfter(item, session_)) {
      ended_ = true;
      return false;
    }
    const bool breaks = !kept_.empty() && kept_.back().item.run != item.run;
    if (breaks) at_us_ = NextStartUs(at_us_, ToMs(item.server_time) * 1000);
    const int64_t begin = at_us_;
    at_us_ += EntryDuration(item).count();
    if (at_us_ > now_us_ && ++ahead_ > kAhead) return false;
    kept_.push_back({item, begin});
    if (kept_.size() > session_.entries_max + kAhead) kept_.pop_front();
    return true;
  }

  bool ended() const { return ended_; }
  size_t ahead() const { return ahead_; }
  std::vector<ItemHeader> Items() const {
    std::vector<ItemHeader> items;
    for (const Kept& kept : kept_) items.push_back(kept.item);
    return items;
  }
  int64_t start_us() const { return kept_.front().begin_us; }
  bool empty() const { return kept_.empty(); }

 private:
  struct Kept {
    ItemHeader item;
    int64_t begin_us = 0;
  };
  const Session& session_;
  const int64_t now_us_;
  int64_t at_us_;
  std::deque<Kept> kept_;
  size_t ahead_ = 0;
  bool ended_ = false;
};

Error NothingInRange() {
  return Error(ErrorCode::kNotFound, "No fragments were found for the stream in this range.");
}

Task<Result<DashListing>> ReplayFromStart(ShardPtr shard, Session session, ServerTime now) {
  store::TimeRange range = RangeOf(session);
  PS_CO_TRY(const std::vector<ItemRef> begin,
            co_await shard->FindStarted(std::move(range), std::nullopt, 1));
  if (begin.empty()) co_return NothingInRange();
  uint64_t next = begin.front().header.ordinal;
  std::optional<Replayed> replayed;
  bool more = true;
  while (more) {
    PS_CO_TRY(const std::vector<ItemHeader> page, co_await FindFrom(shard, next, kPageItems));
    if (page.empty()) break;
    if (!replayed) {
      // The first ones are due at once, as if they had just been received.
      int64_t lead_us = 0;
      for (size_t i = 0; i < std::min(kAhead, page.size()) && !IsAfter(page[i], session); ++i)
        lead_us += EntryDuration(page[i]).count();
      replayed.emplace(session, now, lead_us);
    }
    for (const ItemHeader& item : page) {
      more = replayed->Take(item);
      if (!more) break;
    }
    next = page.back().ordinal + 1;
    more = more && page.size() == kPageItems;
  }
  if (!replayed || replayed->empty()) co_return NothingInRange();
  DashListing list;
  list.items = replayed->Items();
  list.start_us = replayed->start_us();
  list.ended =
      replayed->ended() || (replayed->ahead() <= kAhead && IsOver(session, list.items.back(), now));
  co_return list;
}

// From where an earlier manifest began.
Task<Result<DashListing>> ReplayFromPlace(ShardPtr shard, Session session, Place place,
                                          ServerTime now) {
  DashListing list;
  const size_t limit = size_t{session.entries_max} + kSinceMax;
  PS_CO_TRY(list.items, co_await FindFrom(shard, place.from, limit));
  const auto after = std::ranges::find_if(
      list.items, [&](const ItemHeader& item) { return IsAfter(item, session); });
  list.more = list.items.size() == limit && after == list.items.end();
  list.ended = after != list.items.end();
  list.items.erase(after, list.items.end());
  // It has gone meanwhile.
  if (list.items.empty() || list.items.front().ordinal != place.from)
    co_return co_await ReplayFromStart(shard, session, now);
  list.ended = list.ended || (!list.more && IsOver(session, list.items.back(), now));
  list.known = place;
  co_return list;
}

Task<Result<DashListing>> ListReplay(ShardPtr shard, Session session, std::optional<Place> place,
                                     ServerTime now, const DamagedFragments& damaged) {
  Result<DashListing> list = Error(ErrorCode::kInternal, "not listed");
  if (place) {
    list = co_await ReplayFromPlace(shard, session, *place, now);
  } else {
    list = co_await ReplayFromStart(shard, session, now);
  }
  if (!list.ok()) co_return list;
  damaged.Mark(shard->id(), list->items);
  list->longest_us = LongestUs(list->items);
  co_return list;
}

}  // namespace

Task<Result<DashListing>> ListForDash(ShardPtr shard, Session session, std::optional<Place> place,
                                      ServerTime now, const DamagedFragments& damaged) {
  if (session.mode == Session::Mode::kReplay)
    co_return co_await ListReplay(shard, session, place, now, damaged);
  PS_CO_TRY(const PlaylistItems found, co_await ListSession(shard, session, now, damaged));
  DashListing list;
  std::span<const ItemHeader> items = found.listed();
  list.shown = items.front().ordinal;
  list.longest_us = LongestUs(
      session.mode == Session::Mode::kLive ? std::span<const ItemHeader>(found.looked_at) : items);
  if (place && session.mode == Session::Mode::kLive) {
    const std::span<const ItemHeader> all(found.looked_at);
    const auto at = std::ranges::find(all, place->from, &ItemHeader::ordinal);
    if (at != all.end() && IsPlayable(*at)) {
      list.known = place;
      items = all.subspan(static_cast<size_t>(at - all.begin()));
    }
  }
  list.items.assign(items.begin(), items.end());
  co_return list;
}

bool LeaveWhatIsDue(ServerTime now, std::vector<Period>& periods) {
  const int64_t due_us = NowUs(now) + kRoundingUs;
  const auto first = periods.front().fragments.front().header.ordinal;
  bool all = true;
  while (EndUs(periods.back()) > due_us) {
    std::span<const TimedFragment>& last = periods.back().fragments;
    if (last.front().header.ordinal == first && last.size() == 1) break;
    all = false;
    last = last.first(last.size() - 1);
    if (last.empty()) periods.pop_back();
  }
  return all;
}

}  // namespace penstock::playback
