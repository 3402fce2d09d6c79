// Which items of a shard a playlist is about.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/task.h"
#include "playback/hls/damaged_fragments.h"
#include "playback/hls/media_playlist.h"
#include "playback/hls/playlist_query.h"
#include "playback/hls/replay_places.h"
#include "playback/hls/session.h"
#include "store/shard.h"

namespace penstock::playback {

// A stored range of the shortest fragments (1 s) has 21,600; more would be a flood of tiny ones,
// and no player takes such a list.
inline constexpr size_t kVodEntriesMax = 25'000;

struct PlaylistItems {
  PlaylistShape::Kind kind = PlaylistShape::Kind::kLive;
  std::vector<store::ItemHeader> looked_at;  // what the target duration comes from
  size_t first = 0;                          // listed: looked_at[first, first + count)
  size_t count = 0;
  bool ended = false;  // nothing will follow

  std::span<const store::ItemHeader> listed() const {
    return std::span(looked_at).subspan(first, count);
  }
};

// The ordinal that a rewind from that time begins with. kNotFound: nothing is stored from there on;
// kTooLarge: it lies more than limits::kPlaylistEntriesMax items back; the text names the earliest
// time that does not.
Task<Result<uint64_t>> FindRewindStart(std::shared_ptr<store::Shard> shard, ServerTime start);

// What a query without a lone `start` lists: live, a stored range, or a rewind from an ordinal on,
// which becomes a list that slides (kLive) when that has moved out of reach. At least one listed
// item, the first of them playable; what is known to be damaged is a gap. kNotFound, kTrimmed:
// nothing to list; kTooLarge. `damaged` outlives the call.
Task<Result<PlaylistItems>> ListItems(std::shared_ptr<store::Shard> shard, PlaylistQuery query,
                                      const DamagedFragments& damaged);

// Which fragments a session is about, by their beginnings; not of kLive.
store::TimeRange RangeOf(const Session& session);

// Of a replay: whether all of its range is there, `last` being the newest there is. What began
// before a range ended is stored a minute later; by producer time, when nothing has come for as
// long.
bool IsOver(const Session& session, const store::ItemHeader& last, ServerTime now);

// What a session plays, chosen once and asked for again and again (session.h). The same errors.
// With `places`, which outlives the call, a replay goes on from where it had come; without, each
// call costs a look at all items since its start.
Task<Result<PlaylistItems>> ListSession(std::shared_ptr<store::Shard> shard, Session session,
                                        ServerTime now, const DamagedFragments& damaged,
                                        ReplayPlaces* places = nullptr);

}  // namespace penstock::playback
