#include "playback/hls/media_playlist.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "base/check.h"
#include "playback/hls/file_name.h"

namespace penstock::playback {
namespace {

using std::chrono::microseconds;
using store::ItemHeader;
using store::ItemKind;

constexpr microseconds kHoleDuration{1000};
// PROGRAM-DATE-TIME is repeated where a player that counts on from the last one would be off by
// more than this.
constexpr microseconds kDateTolerance{10'000};

// Producer time if the fragment has one (made from server time where the producer's was not sane),
// else server time.
ProducerTime DateOf(const ItemHeader& item) {
  if (ToUs(item.producer_time) > 0) return item.producer_time;
  return ProducerTimeFromUs(ToMs(item.server_time) * 1000);
}

// Seconds with as many of six decimals as are needed: exact, so that long lists do not drift.
void AppendSeconds(std::string& out, microseconds duration) {
  const int64_t us = duration.count();
  fmt::format_to(std::back_inserter(out), "{}.{:06}", us / 1'000'000, us % 1'000'000);
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
}

class Renderer {
 public:
  Renderer(std::span<const ItemHeader> items, const PlaylistShape& shape)
      : items_(items), shape_(shape) {}

  std::string Render() {
    out_.reserve(256 + items_.size() * 80);
    Head();
    for (const ItemHeader& item : items_) Entry(item);
    if (shape_.kind == PlaylistShape::Kind::kVod || shape_.ended) out_ += "#EXT-X-ENDLIST\n";
    return std::move(out_);
  }

 private:
  void Head() {
    const bool gaps = !std::ranges::all_of(items_, IsPlayable);
    const bool independent = std::ranges::none_of(items_, [](const ItemHeader& item) {
      return IsPlayable(item) && (item.flags & store::kFlagNoKeyframe) != 0;
    });
    // EXT-X-MAP needs 6 or 7 by reading, fractions of seconds 3; EXT-X-GAP came with 8.
    const int version = gaps ? 8 : shape_.transport ? 3 : 7;
    fmt::format_to(end(), "#EXTM3U\n#EXT-X-VERSION:{}\n#EXT-X-TARGETDURATION:{}\n", version,
                   shape_.target_seconds);
    const ItemHeader& first = items_.front();
    fmt::format_to(end(), "#EXT-X-MEDIA-SEQUENCE:{}\n#EXT-X-DISCONTINUITY-SEQUENCE:{}\n",
                   first.ordinal,
                   shape_.all_discontinuities ? first.ordinal : first.discontinuity_ordinal);
    if (shape_.kind == PlaylistShape::Kind::kVod) out_ += "#EXT-X-PLAYLIST-TYPE:VOD\n";
    if (shape_.kind == PlaylistShape::Kind::kRewind) {
      out_ += "#EXT-X-START:TIME-OFFSET=0,PRECISE=YES\n";
    }
    if (independent) out_ += "#EXT-X-INDEPENDENT-SEGMENTS\n";
  }

  void Entry(const ItemHeader& item) {
    Discontinuities(item);
    if (IsPlayable(item)) {
      Map(item);
      Date(item);
    } else {
      out_ += "#EXT-X-GAP\n";
      expected_date_.reset();
    }
    const microseconds duration = EntryDuration(item);
    out_ += "#EXTINF:";
    AppendSeconds(out_, duration);
    out_ += ",\n";
    if (expected_date_) *expected_date_ += duration;
    // A gap has a name, too: the grammar wants one, and a dropped fragment had it before.
    out_ += SegmentName(item);
    out_ += '\n';
  }

  std::string SegmentName(const ItemHeader& item) const {
    const Layout layout = LayoutOf(item, shape_);
    if (shape_.names != nullptr) return shape_.names->Segment(item, layout);
    return FormatHlsFileName({.kind = HlsFileName::Kind::kSegment,
                              .life = shape_.life,
                              .id = item.ordinal,
                              .layout = layout});
  }
  std::string InitName(store::TrackSetId id) const {
    if (shape_.names != nullptr) return shape_.names->Init(id);
    return FormatHlsFileName({.kind = HlsFileName::Kind::kInit, .life = shape_.life, .id = id});
  }

  // As many as runs ended since the entry before, so that counting them gives the discontinuity
  // ordinal everywhere.
  void Discontinuities(const ItemHeader& item) {
    if (shape_.all_discontinuities) {
      out_ += "#EXT-X-DISCONTINUITY\n";
      return;
    }
    // What lay between has gone, with the runs that ended in it; nobody loads such a list again.
    if (next_ordinal_ && item.ordinal != *next_ordinal_) {
      out_ += "#EXT-X-DISCONTINUITY\n";
      runs_ended_ = item.discontinuity_ordinal;
      expected_date_.reset();
    }
    next_ordinal_ = item.ordinal + 1;
    for (; runs_ended_ < item.discontinuity_ordinal; ++runs_ended_) {
      out_ += "#EXT-X-DISCONTINUITY\n";
      expected_date_.reset();
    }
  }

  void Map(const ItemHeader& item) {
    if (shape_.transport || track_set_ == item.track_set) return;
    track_set_ = item.track_set;
    fmt::format_to(end(), "#EXT-X-MAP:URI=\"{}\"\n", InitName(item.track_set));
  }

  void Date(const ItemHeader& item) {
    using Dates = PlaylistShape::Dates;
    if (shape_.dates == Dates::kNone) return;
    const ProducerTime date = shape_.dates == Dates::kServer
                                  ? ProducerTimeFromUs(ToMs(item.server_time) * 1000)
                                  : DateOf(item);
    if (shape_.dates == Dates::kWhereNeeded && expected_date_) {
      const microseconds off = date - *expected_date_;
      if (off <= kDateTolerance && off >= -kDateTolerance) return;
    }
    expected_date_ = date;
    fmt::format_to(end(), "#EXT-X-PROGRAM-DATE-TIME:{}\n", FormatRfc3339(date));
  }

  std::back_insert_iterator<std::string> end() { return std::back_inserter(out_); }

  const std::span<const ItemHeader> items_;
  const PlaylistShape& shape_;
  std::string out_;
  uint64_t runs_ended_ = items_.front().discontinuity_ordinal;
  std::optional<uint64_t> next_ordinal_;
  std::optional<store::TrackSetId> track_set_;
  std::optional<ProducerTime> expected_date_;  // by what was written so far
};

}  // namespace

bool IsPlayable(const ItemHeader& item) { return item.kind == ItemKind::kFragment; }

microseconds EntryDuration(const ItemHeader& item) {
  // Only what was a fragment belongs to a run.
  const bool was_fragment = item.kind == ItemKind::kGap && item.run != 0;
  const bool has_own = IsPlayable(item) || was_fragment;
  return has_own ? std::max(item.duration, kHoleDuration) : kHoleDuration;
}

Layout LayoutOf(const ItemHeader& item, const PlaylistShape& shape) {
  if (shape.layout == LayoutPolicy::kContiguous) return Layout::kContiguous;
  if (shape.layout == LayoutPolicy::kVerbatim) return Layout::kVerbatim;
  if (shape.kind == PlaylistShape::Kind::kLive) return Layout::kContiguous;
  // Per frame the table has some four bytes, a trun and a SimpleBlock header some 32: eight times
  // as much, which may be an 80th of the body.
  constexpr uint64_t kBodyPerTable = 8 * 80;
  return item.meta_bytes * kBodyPerTable <= item.body_bytes ? Layout::kVerbatim
                                                            : Layout::kContiguous;
}

int64_t TargetSeconds(std::span<const ItemHeader> items) {
  microseconds longest{0};
  for (const ItemHeader& item : items) longest = std::max(longest, EntryDuration(item));
  return std::max<int64_t>(1, (longest.count() + 500'000) / 1'000'000);
}

size_t LiveStart(std::span<const ItemHeader> items) {
  microseconds span{0};
  size_t start = items.size();
  while (start > 0) {
    if (items.size() - start >= kLiveEntriesMin && span >= kLiveSpanMin) break;
    span += EntryDuration(items[--start]);
  }
  return start;
}

std::span<const ItemHeader> TrimGaps(std::span<const ItemHeader> items, PlaylistShape::Kind kind) {
  while (!items.empty() && !IsPlayable(items.front())) items = items.subspan(1);
  // Elsewhere a gap at the end will be followed by something, and its sequence number is taken.
  if (kind == PlaylistShape::Kind::kVod) {
    while (!items.empty() && !IsPlayable(items.back())) items = items.first(items.size() - 1);
  }
  return items;
}

std::string RenderMediaPlaylist(std::span<const ItemHeader> items, const PlaylistShape& shape) {
  CHECK(!items.empty());
  const bool dense = items.back().ordinal - items.front().ordinal == items.size() - 1;
  CHECK(dense || shape.kind == PlaylistShape::Kind::kVod);
  return Renderer(items, shape).Render();
}

}  // namespace penstock::playback
