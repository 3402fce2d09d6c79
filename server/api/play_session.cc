// What the URLs of GetHLSStreamingSessionURL lead to. The token in each of them is all that is
// asked for.
#include <fmt/format.h>

#include "playback/hls/hls_service.h"
#include "server/api/session_file.h"
#include "server/api/session_names.h"

namespace penstock::server {
namespace {

namespace video = aws::video;
using playback::HlsFileName;
using playback::Layout;

// Of one session: relative to its folder.
class SessionNames final : public playback::EntryNames {
 public:
  SessionNames(std::string token, bool transport)
      : token_(std::move(token)), transport_(transport) {}

  std::string Init(store::TrackSetId id) const override {
    return fmt::format("{}?SessionToken={}&TrackNumber=1&SequenceNumber={}", video::kInitFragment,
                       token_, id);
  }
  std::string Segment(const store::ItemHeader& item, Layout layout) const override {
    const std::string query = fmt::format("FragmentNumber={}&SessionToken={}&TrackNumber=1",
                                          item.number.ToString(), token_);
    if (transport_) return fmt::format("{}?{}", video::kTransportFragment, query);
    return fmt::format("{}?{}{}", video::kMediaFragment, query,
                       layout == Layout::kVerbatim ? "&Layout=verbatim" : "");
  }

 private:
  const std::string token_;
  const bool transport_;
};

std::string CodecsOf(const fragmenter::TrackSet& tracks) {
  std::string out;
  for (const fragmenter::TrackConfig& track : tracks.tracks) {
    if (!out.empty()) out += ',';
    out += track.CodecString();
  }
  return out;
}

playback::Resource MasterPlaylist(const playback::SessionVariant& variant, const std::string& token,
                                  bool transport) {
  std::string line = fmt::format("#EXT-X-STREAM-INF:BANDWIDTH={},CODECS=\"{}\"",
                                 variant.bits_per_second, CodecsOf(variant.tracks));
  for (const fragmenter::TrackConfig& track : variant.tracks.tracks) {
    if (track.width > 0) line += fmt::format(",RESOLUTION={}x{}", track.width, track.height);
  }
  playback::Resource resource;
  resource.content_type = "application/vnd.apple.mpegurl";
  std::string text =
      fmt::format("#EXTM3U\n#EXT-X-VERSION:{}\n{}\n{}?SessionToken={}&TrackNumber=1\n",
                  transport ? 3 : 7, line, video::kHlsMedia, token);
  resource.etag = fmt::format("\"{}\"", std::hash<std::string>()(text));
  resource.parts.emplace_back(ByteChain(Bytes::From(std::move(text))));
  return resource;
}

Task<Result<playback::Resource>> Load(Services& services, video::StreamingSession session,
                                      std::string token, std::string file, Call call) {
  if (file == video::kHlsMaster) {
    PS_CO_TRY(const playback::SessionVariant variant,
              co_await services.hls.DescribeSession(session.stream, session.play));
    co_return MasterPlaylist(variant, token, session.play.transport);
  }
  if (file == video::kHlsMedia) {
    std::shared_ptr<const playback::EntryNames> names =
        std::make_shared<SessionNames>(std::move(token), session.play.transport);
    co_return co_await services.hls.SessionPlaylist(session.stream, session.play, std::move(names));
  }
  PS_CO_TRY(const HlsFileName name, HlsSessionFile(call.request.query, session.shard, file));
  if (name.kind == HlsFileName::Kind::kInit)
    co_return co_await services.hls.Init(session.stream, name);
  co_return co_await services.hls.Segment(session.stream, name);
}

}  // namespace

Task<Outcome> PlaySession(Services& services, Call call) {
  return ServeSessionFile(services, std::move(call), video::StreamingSession::Protocol::kHls,
                          &Load);
}

}  // namespace penstock::server
