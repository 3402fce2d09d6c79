#include "playback/dash/manifest.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/check.h"

namespace penstock::playback {
namespace {

using fragmenter::TrackConfig;

constexpr char kUpdatePeriod[] = "PT1S";
// What a player has to know of a live stream before it plays: that a fragment is whole, that it has
// been told, and that there is a second one.
constexpr int64_t kTellingUs = 2'000'000;
constexpr int64_t kSecondUs = 1'000'000;

std::string Escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// ISO 8601, exact.
std::string Duration(int64_t us) {
  std::string out = fmt::format("PT{}.{:06}", us / kSecondUs, us % kSecondUs);
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
  return out + 'S';
}

// To the nearest, so that the lead's comes out as it went in.
int64_t ToTicks(int64_t us, uint32_t rate) {
  const int64_t seconds = us / kSecondUs;
  const int64_t rest = (us - seconds * kSecondUs) * rate;
  return seconds * rate + (rest + (rest >= 0 ? kSecondUs : -kSecondUs) / 2) / kSecondUs;
}

struct Segment {
  int64_t begin = 0;
  int64_t length = 0;
};

// Of one track: each lasts until the next one begins.
std::vector<Segment> SegmentsOf(const Period& period, size_t track) {
  std::vector<Segment> segments;
  segments.reserve(period.fragments.size());
  for (const TimedFragment& fragment : period.fragments) {
    const TrackSpan& span = fragment.spans[track];
    if (!segments.empty()) segments.back().length = span.begin - segments.back().begin;
    segments.push_back({span.begin, span.end - span.begin});
  }
  return segments;
}

uint64_t BitsPerSecond(const Period& period, size_t track, uint32_t rate) {
  uint64_t most = 1;
  for (const TimedFragment& fragment : period.fragments) {
    const TrackSpan& span = fragment.spans[track];
    most = std::max(most, span.bytes * 8 * rate / static_cast<uint64_t>(span.end - span.begin));
  }
  return most;
}

class Renderer {
 public:
  Renderer(std::span<const Period> periods, const ManifestShape& shape)
      : periods_(periods), shape_(shape) {}

  std::string Render() {
    Head();
    for (const Period& period : periods_) One(period);
    if (shape_.dynamic) {
      fmt::format_to(end(),
                     " <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\" value=\"{}\"/>\n",
                     FormatRfc3339(shape_.now));
    }
    out_ += "</MPD>\n";
    return std::move(out_);
  }

 private:
  void Head() {
    out_ +=
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\""
        " xmlns:kvs=\"http://kinesisvideo.amazonaws.com/dash\""
        " profiles=\"urn:mpeg:dash:profile:isoff-live:2011\"";
    fmt::format_to(end(), " type=\"{}\"", shape_.dynamic ? "dynamic" : "static");
    const std::optional<int64_t> end_us = shape_.dynamic ? shape_.end_us : EndUs(periods_.back());
    if (end_us) Attribute("mediaPresentationDuration", *end_us);
    fmt::format_to(end(), " availabilityStartTime=\"{}\"",
                   shape_.by_clock ? "1970-01-01T00:00:00Z" : FirstTime());
    if (shape_.dynamic) Live();
    Attribute("minBufferTime", shape_.longest_us);
    Attribute("maxSegmentDuration", shape_.longest_us);
    out_ += ">\n";
    if (shape_.dynamic)
      fmt::format_to(end(), " <Location>{}</Location>\n",
                     Escaped(shape_.names->Again(periods_.front().place, shape_.told)));
  }

  void Live() {
    fmt::format_to(end(), " publishTime=\"{}\" minimumUpdatePeriod=\"{}\"",
                   FormatRfc3339(shape_.now), kUpdatePeriod);
    const int64_t depth = shape_.longest_us * static_cast<int64_t>(shape_.entries_max);
    const int64_t delay = std::max(
        shape_.longest_us, std::min(2 * shape_.longest_us + kTellingUs, depth - shape_.longest_us));
    // All that is left stays to be played when nothing follows.
    if (!shape_.told) Attribute("timeShiftBufferDepth", depth);
    Attribute("suggestedPresentationDelay", delay);
  }

  std::string FirstTime() const {
    const store::ItemHeader& first = periods_.front().fragments.front().header;
    return shape_.by_producer ? FormatRfc3339(first.producer_time)
                              : FormatRfc3339(first.server_time);
  }

  void One(const Period& period) {
    fmt::format_to(end(), " <Period id=\"{}\" start=\"{}\">\n", period.place.first,
                   Duration(period.place.start_us));
    const TimedFragment& first = period.fragments.front();
    const uint32_t lead = LeadTrack(first);
    for (size_t i = 0; i < first.spans.size(); ++i) {
      if (first.spans[i].track == lead) Track(period, i);
    }
    for (size_t i = 0; i < first.spans.size(); ++i) {
      if (first.spans[i].track != lead) Track(period, i);
    }
    out_ += " </Period>\n";
  }

  void Track(const Period& period, size_t index) {
    const TimedFragment& first = period.fragments.front();
    const TrackConfig& track = *first.tracks->Find(first.spans[index].track);
    const bool video = IsVideo(track.codec);
    const bool random_access = std::ranges::none_of(period.fragments, [](const auto& fragment) {
      return (fragment.header.flags & store::kFlagNoKeyframe) != 0;
    });
    fmt::format_to(
        end(), "  <AdaptationSet id=\"{}\" contentType=\"{}\" mimeType=\"{}/mp4\"{}{}>\n",
        track.number, video ? "video" : "audio", video ? "video" : "audio",
        " segmentAlignment=\"true\"", video && !random_access ? "" : " startWithSAP=\"1\"");
    if (!video)
      fmt::format_to(end(),
                     "   <AudioChannelConfiguration schemeIdUri=\"urn:mpeg:dash:23003:3:audio_"
                     "channel_configuration:2011\" value=\"{}\"/>\n",
                     track.channels);
    Template(period, track, index);
    fmt::format_to(end(), "   <Representation id=\"{}\" codecs=\"{}\" bandwidth=\"{}\"",
                   track.number, track.CodecString(),
                   BitsPerSecond(period, index, track.clock_rate));
    if (video) {
      fmt::format_to(end(), " width=\"{}\" height=\"{}\"/>\n", track.width, track.height);
    } else {
      fmt::format_to(end(), " audioSamplingRate=\"{}\"/>\n", track.sample_rate);
    }
    out_ += "  </AdaptationSet>\n";
  }

  void Template(const Period& period, const TrackConfig& track, size_t index) {
    const store::ItemHeader& first = period.fragments.front().header;
    fmt::format_to(end(),
                   "   <SegmentTemplate timescale=\"{}\" presentationTimeOffset=\"{}\""
                   " startNumber=\"{}\"\n    initialization=\"{}\"\n    media=\"{}\">\n",
                   track.clock_rate, ToTicks(period.place.offset_us, track.clock_rate),
                   first.ordinal - period.place.first + 1,
                   Escaped(shape_.names->Init(first.track_set, track.number)),
                   Escaped(shape_.names->Segments(period.place.first, track.number)));
    out_ += "    <SegmentTimeline>\n";
    const std::vector<Segment> segments = SegmentsOf(period, index);
    for (size_t i = 0; i < segments.size();) {
      size_t same = 1;
      if (!Tells()) {
        while (i + same < segments.size() && segments[i + same].length == segments[i].length)
          ++same;
      }
      out_ += "     <S";
      if (i == 0) fmt::format_to(end(), " t=\"{}\"", segments[i].begin);
      fmt::format_to(end(), " d=\"{}\"", segments[i].length);
      if (same > 1) fmt::format_to(end(), " r=\"{}\"", same - 1);
      if (Tells()) Tell(period.fragments[i].header);
      out_ += "/>\n";
      i += same;
    }
    out_ += "    </SegmentTimeline>\n   </SegmentTemplate>\n";
  }

  bool Tells() const { return shape_.numbers || shape_.times; }

  void Tell(const store::ItemHeader& item) {
    if (shape_.times) {
      const int64_t ms =
          shape_.by_producer ? ToUs(item.producer_time) / 1000 : ToMs(item.server_time);
      fmt::format_to(end(), " kvs:ts=\"{}\"", ms);
    }
    if (shape_.numbers) fmt::format_to(end(), " kvs:fn=\"{}\"", item.number.ToString());
  }

  void Attribute(std::string_view name, int64_t us) {
    fmt::format_to(end(), " {}=\"{}\"", name, Duration(us));
  }

  std::back_insert_iterator<std::string> end() { return std::back_inserter(out_); }

  const std::span<const Period> periods_;
  const ManifestShape& shape_;
  std::string out_;
};

}  // namespace

std::string RenderManifest(std::span<const Period> periods, const ManifestShape& shape) {
  CHECK(!periods.empty());
  return Renderer(periods, shape).Render();
}

}  // namespace penstock::playback
