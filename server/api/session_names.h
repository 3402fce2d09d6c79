// What the queries of a session's files name. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "playback/hls/file_name.h"

namespace penstock::server {

using QueryPairs = std::vector<std::pair<std::string, std::string>>;

// Layout of a segment that is served as it is stored.
inline constexpr std::string_view kVerbatimLayout = "verbatim";

// An init segment by SequenceNumber, a segment by FragmentNumber, of whichever container the file
// is for. kInvalidArgument.
Result<playback::HlsFileName> HlsSessionFile(const QueryPairs& query, const ShardId& shard,
                                             std::string_view file);

struct TrackFile {
  playback::HlsFileName name;
  uint32_t track = 0;
};

// By TrackNumber and SequenceNumber, which counts from 1 in the Period whose first ordinal a
// segment's query tells. kInvalidArgument; kNotFound for another file.
Result<TrackFile> DashSessionFile(const QueryPairs& query, const ShardId& shard,
                                  std::string_view file);

}  // namespace penstock::server
