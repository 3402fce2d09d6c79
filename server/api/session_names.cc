#include "server/api/session_names.h"

#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "server/operations/video/streaming_session.h"
#include "store/item.h"

namespace penstock::server {
namespace {

namespace video = aws::video;
using playback::HlsFileName;
using playback::Layout;

std::string_view ValueOf(const QueryPairs& query, std::string_view name) {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return "";
}

Result<uint64_t> NumberOf(const QueryPairs& query, std::string_view name) {
  const std::string_view text = ValueOf(query, name);
  uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure == std::errc() && end == text.data() + text.size()) return number;
  return Error(ErrorCode::kInvalidArgument, fmt::format("{} is not a number.", name));
}

}  // namespace

Result<HlsFileName> HlsSessionFile(const QueryPairs& query, const ShardId& shard,
                                   std::string_view file) {
  HlsFileName name;
  name.life = playback::LifeOf(shard);
  if (file == video::kInitFragment) {
    PS_TRY(name.id, NumberOf(query, "SequenceNumber"));
    name.kind = HlsFileName::Kind::kInit;
    return name;
  }
  const auto number = FragmentNumber::Parse(ValueOf(query, "FragmentNumber"));
  if (!number.ok() || number->index == 0)
    return Error(ErrorCode::kInvalidArgument, "FragmentNumber is no fragment number.");
  name.kind = file == video::kTransportFragment ? HlsFileName::Kind::kTransportSegment
                                                : HlsFileName::Kind::kSegment;
  name.id = store::OrdinalOf(*number);
  name.layout =
      ValueOf(query, "Layout") == kVerbatimLayout ? Layout::kVerbatim : Layout::kContiguous;
  return name;
}

Result<TrackFile> DashSessionFile(const QueryPairs& query, const ShardId& shard,
                                  std::string_view file) {
  TrackFile out;
  out.name.life = playback::LifeOf(shard);
  PS_TRY(const uint64_t track, NumberOf(query, "TrackNumber"));
  if (track == 0 || track > std::numeric_limits<uint32_t>::max())
    return Error(ErrorCode::kInvalidArgument, "TrackNumber is no track's number.");
  out.track = static_cast<uint32_t>(track);
  PS_TRY(const uint64_t number, NumberOf(query, "SequenceNumber"));
  if (file == video::kInitFragment) {
    out.name.kind = HlsFileName::Kind::kInit;
    out.name.id = number;
    return out;
  }
  if (file != video::kMediaFragment)
    return Error(ErrorCode::kNotFound,
                 "no such file; a session's manifest is " + std::string(video::kDashManifest));
  PS_TRY(const uint64_t first, NumberOf(query, "Period"));
  out.name.kind = HlsFileName::Kind::kSegment;
  if (number == 0 || number - 1 > std::numeric_limits<uint64_t>::max() - first)
    return Error(ErrorCode::kInvalidArgument, "SequenceNumber is no segment's number.");
  out.name.id = first + number - 1;
  return out;
}

}  // namespace penstock::server
