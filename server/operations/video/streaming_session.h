// Playback sessions as the video services have them: what GetHLSStreamingSessionURL and its sister
// put into their URLs, and what every request of a player brings back.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "playback/hls/session.h"
#include "server/api/services.h"
#include "server/operations/operation.h"
#include "server/operations/video/shapes.h"

namespace penstock::server::aws::video {

struct StreamingSession {
  enum class Protocol : uint8_t { kHls, kDash };
  Protocol protocol = Protocol::kHls;
  StreamName stream;
  ShardId shard;  // of the life of the stream that was meant
  playback::Session play;
  bool numbers = false;  // show fragments' numbers; DASH
  ServerTime ends;
};

inline constexpr std::string_view kHlsFolder = "/hls/v1/";
inline constexpr std::string_view kDashFolder = "/dash/v1/";
inline constexpr std::string_view kHlsMaster = "getHLSMasterPlaylist.m3u8";
inline constexpr std::string_view kHlsMedia = "getHLSMediaPlaylist.m3u8";
inline constexpr std::string_view kDashManifest = "getDASHManifest.mpd";
inline constexpr std::string_view kInitFragment = "getMP4InitFragment.mp4";
inline constexpr std::string_view kMediaFragment = "getMP4MediaFragment.mp4";
inline constexpr std::string_view kTransportFragment = "getTSFragment.ts";

// Sealed: the bearer may play this until it ends, and nothing else.
std::string MakeSessionToken(const KeyRing& keys, const StreamingSession& session);
// kForbidden for a token that is not ours, or not of this protocol, or has ended; the words say
// which.
Result<StreamingSession> ReadSessionToken(const KeyRing& keys, std::string_view token,
                                          ServerTime now, StreamingSession::Protocol protocol);

// The two operations differ in the names of their members.
struct SessionMembers {
  StreamingSession::Protocol protocol;
  std::string_view selector;
  std::string_view entries_max;
};
extern const Shape kPlaybackMode;
extern const Shape kSessionSelector;
extern const Shape kExpires;
extern const Shape kEntriesMax;
extern const Shape kShown;  // ALWAYS or NEVER

// kInvalidArgument, as the services say it.
Result<StreamingSession> SessionFromInput(const Call& call, const SessionMembers& members,
                                          ServerTime now);
// Whether there is something to play in it: kNotFound, kConflict (nothing is ever kept of the
// stream), kUnsupported and kCorruption (its media).
Task<Status> CheckSession(Services& services, StreamingSession session);

// What both call these errors.
inline constexpr ErrorName kSessionErrors[] = {
    {ErrorCode::kUnsupported, "UnsupportedStreamMediaTypeException"},
    {ErrorCode::kConflict, "NoDataRetentionException"},
    {ErrorCode::kCorruption, "InvalidCodecPrivateDataException"},
};

std::string SessionUrl(const Services& services, const Call& call, std::string_view folder,
                       std::string_view file, const StreamingSession& session);

}  // namespace penstock::server::aws::video
