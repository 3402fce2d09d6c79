// A stream as HLS: one media playlist, its init segments and its media segments, straight from the
// store.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/task.h"
#include "base/time.h"
#include "playback/audio/one_track.h"
#include "playback/hls/file_name.h"
#include "playback/hls/media_playlist.h"
#include "playback/hls/playlist_query.h"
#include "playback/hls/session.h"
#include "playback/mp4/layout.h"
#include "playback/resource.h"
#include "store/store.h"

namespace penstock::playback {

class DamagedFragments;

struct HlsOptions {
  LayoutPolicy layout = LayoutPolicy::kAuto;  // what playlists name
  size_t playlist_cache_bytes = 16u << 20;
  size_t segment_cache_bytes = 64u << 20;
};

// Thread-safe: any executor may call it. Store and clock must outlive it, and it every call.
//
// Errors (message is for the person who reads it):
//   kNotFound         no such stream, no such file, nothing stored there (yet), a gap; a fragment
//                     that cannot be read is one, and so is all that has a damaged track set, and
//                     playlists list it so once it is known
//   kTrimmed          it was there; retention has removed it
//   kInvalidArgument  the query
//   kTooLarge         the query asks for a longer range than limits::kStoredRangeMax, or for a
//                     rewind of more than limits::kPlaylistEntriesMax items; answer 400
//   kIo               from the store's index
class HlsService {
 public:
  HlsService(store::Store& store, Clock& clock, HlsOptions options = {});
  ~HlsService();
  HlsService(const HlsService&) = delete;

  // GET /hls/<stream>/<file>?<query>: all there is. Pairs are decoded; a query belongs to playlists
  // only and is otherwise ignored. Parameters that are not the playlist's (keys, tokens) must have
  // been taken out.
  Task<Result<Resource>> Get(StreamName stream, std::string file,
                             std::vector<std::pair<std::string, std::string>> query);

  Task<Result<Resource>> MediaPlaylist(StreamName stream, PlaylistQuery query);
  // A session's playlist, whose entries have these names, and what is to be said of it beforehand.
  Task<Result<Resource>> SessionPlaylist(StreamName stream, Session session,
                                         std::shared_ptr<const EntryNames> names);
  Task<Result<SessionVariant>> DescribeSession(StreamName stream, Session session);
  // Init or media segment; requires a name that is not the playlist's. `track`: of this one alone,
  // as DASH has it (contiguous layout only); kNotFound if there is nothing of it.
  Task<Result<Resource>> Init(StreamName stream, HlsFileName name, uint32_t track = kAllTracks);
  Task<Result<Resource>> Segment(StreamName stream, HlsFileName name, uint32_t track = kAllTracks);

  // What was found to be unreadable.
  const DamagedFragments& damaged() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::playback
