#include "playback/dash/track_times.h"

#include <algorithm>

#include "playback/audio/g711_as_aac.h"
#include "playback/audio/silence.h"
#include "playback/hls/media_playlist.h"

namespace penstock::playback {
namespace {

using fragmenter::FrameTable;
using fragmenter::TrackConfig;
using fragmenter::TrackSet;
using store::ItemHeader;
using ShardPtr = std::shared_ptr<store::Shard>;

std::optional<SampleSpan> SamplesOf(const std::vector<TrackSpan>* spans, uint32_t track) {
  const TrackSpan* const span = spans != nullptr ? FindSpan(*spans, track) : nullptr;
  if (span == nullptr) return std::nullopt;
  return SampleSpan{span->begin, span->end};
}

// As the segment's sound is made.
bool GoesOn(const ItemHeader& item) {
  return item.ordinal > 0 && (item.flags & store::kFlagStartsRun) == 0;
}

Task<std::optional<ItemHeader>> FindBefore(ShardPtr shard, uint64_t ordinal) {
  store::Selector from = store::FromOrdinal{ordinal - 1};
  auto found = co_await shard->Find(from, 1);
  if (!found.ok()) co_return std::nullopt;
  if (found->empty()) *found = shard->FindLive(ordinal - 1, 1);
  if (found->empty() || found->front().header.ordinal != ordinal - 1) co_return std::nullopt;
  co_return found->front().header;
}

}  // namespace

std::vector<TrackSpan> ServedSpans(const TrackSet& stored, const std::vector<TrackSpan>* before,
                                   const std::vector<TrackSpan>& fragment) {
  std::vector<TrackSpan> spans;
  for (const TrackConfig& track : ServedTracks(stored).tracks) {
    std::optional<TrackSpan> span;
    if (const TrackSpan* const now = FindSpan(fragment, track.number)) span = *now;
    const TrackConfig& as_stored = *stored.Find(track.number);
    if (span && HasG711({{as_stored}})) {
      const SampleSpan samples{span->begin, span->end};
      const auto units = UnitsReadyWith(as_stored, SamplesOf(before, track.number), samples);
      if (units) {
        span->begin = units->begin;
        span->end = units->end;
      } else {
        span.reset();
      }
    }
    if (!span) span = SilentSpan(track, stored, fragment);
    if (span && span->begin < span->end) spans.push_back(*span);
  }
  return spans;
}

TrackTimes::Spans TrackTimes::Remembered(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(key);
  return found == known_.end() ? nullptr : found->second;
}

void TrackTimes::Remember(const Key& key, Spans spans) {
  const std::lock_guard lock(mutex_);
  if (!known_.try_emplace(key, std::move(spans)).second) return;
  oldest_first_.push_back(key);
  if (oldest_first_.size() <= fragments_max_) return;
  known_.erase(oldest_first_.front());
  oldest_first_.pop_front();
}

Task<Result<TrackTimes::Spans>> TrackTimes::Stored(ShardPtr shard, ItemHeader item,
                                                   const TrackSet& tracks) {
  const Key key(shard->id(), item.ordinal);
  if (Spans known = Remembered(key)) co_return known;
  store::ItemRef ref;
  ref.shard = shard->id();
  ref.header = item;
  PS_CO_TRY(const Bytes meta, co_await shard->ReadMeta(std::move(ref)));
  PS_CO_TRY(const FrameTable table, FrameTable::Decode(meta));
  Spans spans = std::make_shared<const std::vector<TrackSpan>>(SpansOf(tracks, table));
  Remember(key, spans);
  co_return spans;
}

Task<Result<TimedFragment>> TrackTimes::LoadOne(ShardPtr shard, ItemHeader item,
                                                std::optional<ItemHeader> before_it,
                                                TrackSets& sets) {
  if (!sets.contains(item.track_set)) {
    PS_CO_TRY(const store::TrackSet set, co_await shard->GetTrackSet(item.track_set));
    PS_CO_TRY(TrackSet stored, fragmenter::DecodeTrackSet(set.meta));
    Tracks tracks;
    tracks.served = std::make_shared<const TrackSet>(ServedTracks(stored));
    tracks.transcoded = HasG711(stored);
    tracks.stored = std::move(stored);
    sets.emplace(item.track_set, std::move(tracks));
  }
  const Tracks& tracks = sets.at(item.track_set);
  PS_CO_TRY(const Spans own, co_await Stored(shard, item, tracks.stored));
  Spans before;
  if (tracks.transcoded && GoesOn(item)) {
    if (!before_it) before_it = co_await FindBefore(shard, item.ordinal);
    if (before_it && IsPlayable(*before_it) && before_it->run == item.run) {
      auto spans = co_await Stored(shard, *before_it, tracks.stored);
      if (spans.ok()) before = *spans;
    }
  }
  TimedFragment out;
  out.header = item;
  out.tracks = tracks.served;
  out.spans = ServedSpans(tracks.stored, before.get(), *own);
  if (out.spans.empty())
    co_return Error(ErrorCode::kNotFound, "nothing of these fragments can be played");
  co_return out;
}

Task<Result<std::vector<TimedFragment>>> TrackTimes::Load(ShardPtr shard,
                                                          std::vector<ItemHeader> items) {
  std::vector<TimedFragment> out;
  out.reserve(items.size());
  TrackSets sets;
  Error last(ErrorCode::kNotFound, "there is nothing to play yet");
  for (size_t i = 0; i < items.size(); ++i) {
    if (!IsPlayable(items[i])) continue;
    std::optional<ItemHeader> before;
    if (i > 0 && items[i - 1].ordinal + 1 == items[i].ordinal) before = items[i - 1];
    auto one = co_await LoadOne(shard, items[i], before, sets);
    if (one.ok()) {
      out.push_back(std::move(*one));
    } else {
      last = one.error();
    }
  }
  if (out.empty()) co_return last;
  co_return out;
}

}  // namespace penstock::playback
