// What a playlist's URL asks for. Pure; also what the fuzzer feeds.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/time.h"

namespace penstock::playback {

// None: live. Both times: a stored range [start, end). Only start: a rewind that follows the live
// edge, which has to begin there: its list is named by `first`, the ordinal of its first fragment,
// because a list that is loaded again and again has to go on when that lies too far back.
struct PlaylistQuery {
  std::optional<ServerTime> start;
  std::optional<ServerTime> end;
  std::optional<uint64_t> first;

  friend bool operator==(const PlaylistQuery&, const PlaylistQuery&) = default;
};

// From decoded name-value pairs. `start` and `end` are RFC 3339 or epoch milliseconds, by the
// server's clock. kInvalidArgument, with a text for the person who typed it: a malformed time, an
// end without a start or not after it, a name given twice, an unknown name (a misspelt `strat` must
// not silently play live), a `first` beside a time. kTooLarge: a stored range of more than
// limits::kStoredRangeMax; the text names the limit.
Result<PlaylistQuery> ParsePlaylistQuery(
    std::span<const std::pair<std::string, std::string>> pairs);

}  // namespace penstock::playback
