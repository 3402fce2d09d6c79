// What the URLs of GetDASHStreamingSessionURL lead to. The token in each of them is all that is
// asked for.
#include <charconv>

#include <fmt/format.h>

#include "playback/dash/dash_service.h"
#include "playback/hls/hls_service.h"
#include "server/api/session_file.h"

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

Result<uint64_t> NumberOf(const net::HttpRequest& request, std::string_view name) {
  const std::string_view text = request.QueryValue(name);
  uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure == std::errc() && end == text.data() + text.size()) return number;
  return Error(ErrorCode::kInvalidArgument, fmt::format("{} is not a number.", name));
}

struct TrackFile {
  HlsFileName name;
  uint32_t track = 0;
};

Result<TrackFile> FileOf(const net::HttpRequest& request, const ShardId& shard,
                         std::string_view file) {
  TrackFile out;
  out.name.life = playback::LifeOf(shard);
  PS_TRY(const uint64_t track, NumberOf(request, "TrackNumber"));
  if (track == 0 || track > std::numeric_limits<uint32_t>::max())
    return Error(ErrorCode::kInvalidArgument, "TrackNumber is no track's number.");
  out.track = static_cast<uint32_t>(track);
  PS_TRY(const uint64_t number, NumberOf(request, "SequenceNumber"));
  if (file == video::kInitFragment) {
    out.name.kind = HlsFileName::Kind::kInit;
    out.name.id = number;
    return out;
  }
  if (file != video::kMediaFragment)
    return Error(ErrorCode::kNotFound,
                 "no such file; a session's manifest is " + std::string(video::kDashManifest));
  PS_TRY(const uint64_t first, NumberOf(request, "Period"));
  out.name.kind = HlsFileName::Kind::kSegment;
  if (number == 0 || number - 1 > std::numeric_limits<uint64_t>::max() - first)
    return Error(ErrorCode::kInvalidArgument, "SequenceNumber is no segment's number.");
  out.name.id = first + number - 1;
  return out;
}

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
  PS_CO_TRY(const TrackFile wanted, FileOf(call.request, session.shard, file));
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
