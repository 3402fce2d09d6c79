// A URL that any DASH player can open without a key, for a while.
#include "server/operations/video/operations.h"
#include "server/operations/video/streaming_session.h"

namespace penstock::server::aws::video {
namespace {

constexpr std::string_view kAlways = "ALWAYS";
constexpr SessionMembers kNames{StreamingSession::Protocol::kDash, "DASHFragmentSelector",
                                "MaxManifestFragmentResults"};
constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"PlaybackMode", &kPlaybackMode},
    {kNames.selector, &kSessionSelector},
    {"DisplayFragmentTimestamp", &kShown},
    {"DisplayFragmentNumber", &kShown},
    {"Expires", &kExpires},
    {kNames.entries_max, &kEntriesMax},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  PS_CO_TRY(StreamingSession session, SessionFromInput(call, kNames, services.clock.Now()));
  session.play.dates = call.input["DisplayFragmentTimestamp"].AsString() == kAlways;
  session.numbers = call.input["DisplayFragmentNumber"].AsString() == kAlways;
  PS_CO_TRY_VOID(co_await CheckSession(services, session));
  Json out;
  out.Set("DASHStreamingSessionURL",
          SessionUrl(services, call, kDashFolder, kDashManifest, session));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kGetDashStreamingSessionUrl{"GetDASHStreamingSessionURL",
                                                      "/getDASHStreamingSessionURL",
                                                      &kInput,
                                                      Resource::kStream,
                                                      Run,
                                                      kSessionErrors};

}  // namespace penstock::server::aws::video
