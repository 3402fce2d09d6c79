// A URL that any HLS player can open without a key, for a while.
#include "server/operations/video/operations.h"
#include "server/operations/video/streaming_session.h"

namespace penstock::server::aws::video {
namespace {

constexpr std::string_view kTransport = "MPEG_TS";
constexpr std::string_view kContainers[] = {"FRAGMENTED_MP4", kTransport};
constexpr Shape kContainer{.values = kContainers};
constexpr std::string_view kAlways = "ALWAYS";
constexpr std::string_view kDiscontinuityModes[] = {kAlways, "NEVER", "ON_DISCONTINUITY"};
constexpr Shape kDiscontinuityMode{.values = kDiscontinuityModes};
constexpr SessionMembers kNames{StreamingSession::Protocol::kHls, "HLSFragmentSelector",
                                "MaxMediaPlaylistFragmentResults"};
constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},     {"StreamARN", &kStreamArnShape},
    {"PlaybackMode", &kPlaybackMode},      {kNames.selector, &kSessionSelector},
    {"ContainerFormat", &kContainer},      {"DiscontinuityMode", &kDiscontinuityMode},
    {"DisplayFragmentTimestamp", &kShown}, {"Expires", &kExpires},
    {kNames.entries_max, &kEntriesMax},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  PS_CO_TRY(StreamingSession session, SessionFromInput(call, kNames, services.clock.Now()));
  session.play.transport = call.input["ContainerFormat"].AsString() == kTransport;
  // Runs begin with a discontinuity in every mode: their times have origins of their own.
  const std::string_view mode = call.input["DiscontinuityMode"].AsString();
  session.play.all_discontinuities = mode.empty() ? !session.play.by_producer : mode == kAlways;
  session.play.dates = call.input["DisplayFragmentTimestamp"].AsString() == kAlways;
  PS_CO_TRY_VOID(co_await CheckSession(services, session));
  Json out;
  out.Set("HLSStreamingSessionURL", SessionUrl(services, call, kHlsFolder, kHlsMaster, session));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kGetHlsStreamingSessionUrl{"GetHLSStreamingSessionURL",
                                                     "/getHLSStreamingSessionURL",
                                                     &kInput,
                                                     Resource::kStream,
                                                     Run,
                                                     kSessionErrors};

}  // namespace penstock::server::aws::video
