#include "playback/dash/periods.h"

#include <algorithm>

#include "base/check.h"

namespace penstock::playback {
namespace {

using fragmenter::TrackConfig;

int64_t ToUs(int64_t ticks, uint32_t rate) {
  const int64_t seconds = ticks / rate;
  return seconds * 1'000'000 + (ticks - seconds * rate) * 1'000'000 / rate;
}

const TrackSpan& LeadSpan(const TimedFragment& fragment) {
  const uint32_t lead = LeadTrack(fragment);
  return *std::ranges::find(fragment.spans, lead, &TrackSpan::track);
}

uint32_t RateOf(const TimedFragment& fragment, uint32_t track) {
  return fragment.tracks->Find(track)->clock_rate;
}

bool SameTracks(const TimedFragment& a, const TimedFragment& b) {
  return a.header.track_set == b.header.track_set &&
         std::ranges::equal(a.spans, b.spans, {}, &TrackSpan::track, &TrackSpan::track);
}

bool GoesOn(const TimedFragment& before, const TimedFragment& next) {
  if (next.header.ordinal != before.header.ordinal + 1) return false;
  if (next.header.run != before.header.run || !SameTracks(before, next)) return false;
  for (size_t i = 0; i < next.spans.size(); ++i) {
    if (next.spans[i].begin <= before.spans[i].begin) return false;
  }
  const int64_t between = BeginUs(next) - EndUs(before);
  return between <= kBreakUs && between >= -kBreakUs;
}

int64_t ReceivedUs(const TimedFragment& fragment) {
  return ToMs(fragment.header.server_time) * 1000;
}

}  // namespace

uint32_t LeadTrack(const TimedFragment& fragment) {
  for (const TrackSpan& span : fragment.spans) {
    if (IsVideo(fragment.tracks->Find(span.track)->codec)) return span.track;
  }
  return fragment.spans.front().track;
}

int64_t BeginUs(const TimedFragment& fragment) {
  const TrackSpan& span = LeadSpan(fragment);
  return ToUs(span.begin, RateOf(fragment, span.track));
}

int64_t EndUs(const TimedFragment& fragment) {
  const TrackSpan& span = LeadSpan(fragment);
  return ToUs(span.end, RateOf(fragment, span.track));
}

int64_t EndUs(const Period& period) {
  return period.place.start_us + EndUs(period.fragments.back()) - period.place.offset_us;
}

std::vector<Period> MakePeriods(std::span<const TimedFragment> fragments,
                                const Timeline& timeline) {
  CHECK(!fragments.empty());
  std::vector<Period> periods;
  for (size_t begin = 0; begin < fragments.size();) {
    size_t end = begin + 1;
    while (end < fragments.size() && GoesOn(fragments[end - 1], fragments[end])) ++end;
    const TimedFragment& first = fragments[begin];
    Period period;
    period.fragments = fragments.subspan(begin, end - begin);
    if (periods.empty() && timeline.known) {
      period.place = *timeline.known;
    } else {
      period.place.first = first.header.ordinal;
      period.place.offset_us = BeginUs(first);
      period.place.start_us = timeline.start_us;
      if (!periods.empty()) {
        period.place.start_us = EndUs(periods.back());
        if (timeline.by_clock)
          period.place.start_us = NextStartUs(period.place.start_us, ReceivedUs(first));
      }
    }
    period.place.from = first.header.ordinal;
    periods.push_back(period);
    begin = end;
  }
  return periods;
}

void DropBefore(uint64_t ordinal, std::vector<Period>& periods) {
  std::erase_if(periods, [&](const Period& period) {
    return period.fragments.back().header.ordinal < ordinal;
  });
  CHECK(!periods.empty());
  Period& first = periods.front();
  while (first.fragments.front().header.ordinal < ordinal)
    first.fragments = first.fragments.subspan(1);
  first.place.from = first.fragments.front().header.ordinal;
}

int64_t LiveStartUs(std::span<const TimedFragment> fragments) {
  const int64_t begin = BeginUs(fragments.front());
  int64_t start = ReceivedUs(fragments.front());
  for (size_t i = 1; i < fragments.size() && GoesOn(fragments[i - 1], fragments[i]); ++i)
    start = std::min(start, ReceivedUs(fragments[i]) - (BeginUs(fragments[i]) - begin));
  return start;
}

int64_t NextStartUs(int64_t end_us, int64_t received_us) {
  return received_us > end_us + kJoinUs ? received_us : end_us;
}

}  // namespace penstock::playback
