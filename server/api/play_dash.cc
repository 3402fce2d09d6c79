// What the URLs of GetDASHStreamingSessionURL lead to. The token in each of them is all that is
// asked for.
#include <fmt/format.h>

#include "playback/dash/dash_service.h"
#include "playback/hls/hls_service.h"
#include "server/api/session_file.h"
#include "server/api/session_names.h"

namespace penstock::server {
namespace {

namespace video = aws::video;
using playback::HlsFileName;

// Of one session: relative to its folder.
class ManifestNames final : public playback::DashNames {
 public:
  explicit ManifestNames(std::string token) : token_(std::move(token)) {}

  std::string Init(store::TrackSetId id, uint32_t track) const override {
    return fmt::format("{}?SessionToken={}&TrackNumber={}&SequenceNumber={}", video::kInitFragment,
                       token_, track, id);
  }
  std::string Segments(uint64_t first, uint32_t track) const override {
    return fmt::format("{}?SessionToken={}&TrackNumber={}&Period={}&SequenceNumber=$Number$",
                       video::kMediaFragment, token_, track, first);
  }
  std::string Again(const playback::Place& place, bool told) const override {
    return fmt::format("{}?SessionToken={}&Place={}{}", video::kDashManifest, token_,
                       FormatPlace(place), told ? "&Told=all" : "");
  }

 private:
  const std::string token_;
};

Task<Result<playback::Resource>> Load(Services& services, video::StreamingSession session,
                                      std::string token, std::string file, Call call) {
  if (file == video::kDashManifest) {
    playback::DashQuery query;
    query.session = session.play;
    query.numbers = session.numbers;
    query.place = playback::ParsePlace(call.request.QueryValue("Place"));
    query.told = call.request.QueryValue("Told") == "all";
    std::shared_ptr<const playback::DashNames> names =
        std::make_shared<ManifestNames>(std::move(token));
    co_return co_await services.dash.Manifest(session.stream, query, std::move(names));
  }
  PS_CO_TRY(const TrackFile wanted, DashSessionFile(call.request.query, session.shard, file));
  if (wanted.name.kind == HlsFileName::Kind::kInit)
    co_return co_await services.hls.Init(session.stream, wanted.name, wanted.track);
  co_return co_await services.hls.Segment(session.stream, wanted.name, wanted.track);
}

}  // namespace

Task<Outcome> PlayDash(Services& services, Call call) {
  return ServeSessionFile(services, std::move(call), video::StreamingSession::Protocol::kDash,
                          &Load);
}

}  // namespace penstock::server
