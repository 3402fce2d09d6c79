// How a publisher's tracks are announced and set up.
#include <algorithm>

#include <fmt/format.h>

#include "base/random.h"
#include "ingest/rtsp/server_session.h"
#include "ingest/rtsp/text.h"
#include "ingest/rtsp/url.h"

namespace penstock::ingest::rtsp {

Status ServerSession::MakeTracks(const Sdp& sdp, const std::string& base) {
  if (sdp.media.empty()) return Error(ErrorCode::kProtocol, "the session description has no media");
  for (const SdpMedia& media : sdp.media) {
    auto receiver = TrackReceiver::Make(context_.make_depayloader, media,
                                        static_cast<uint32_t>(tracks_.size() + 1));
    if (!receiver.ok()) {
      if (receiver.error().code() != ErrorCode::kUnsupported) return receiver.error();
      return Error(ErrorCode::kUnsupported,
                   fmt::format("Unsupported Media Type: {} cannot be recorded; H.264, H.265, AAC, "
                               "Opus and G.711 can",
                               receiver.error().message()));
    }
    Track track;
    track.url = ResolveControl(base, media.control);
    track.control = media.control;
    track.receiver = std::move(*receiver);
    tracks_.push_back(std::move(track));
  }
  return Status();
}

// By the whole URL; else by how it ends, since clients join control and URL in different ways; a
// lone track is meant whatever is said.
ServerSession::Track* ServerSession::FindTrack(std::string_view url) {
  for (Track& track : tracks_) {
    if (track.url == url) return &track;
  }
  for (Track& track : tracks_) {
    if (!track.control.empty() && url.ends_with("/" + track.control)) return &track;
  }
  return tracks_.size() == 1 ? &tracks_.front() : nullptr;
}

NumberPair ServerSession::ChooseChannels(const std::optional<NumberPair>& wanted) const {
  const auto free = [this](uint16_t channel) {
    return channel < channels_.size() && channels_[channel] < 0;
  };
  if (wanted && wanted->first != wanted->second && free(wanted->first) && free(wanted->second))
    return *wanted;
  NumberPair pair(0, 1);
  while (!free(pair.first) || !free(pair.second)) {
    pair.first = static_cast<uint16_t>(pair.first + 2);
    pair.second = static_cast<uint16_t>(pair.second + 2);
  }
  return pair;
}

void ServerSession::SetUpTcp(Track& track, const Transport& offer, Transport& chosen) {
  const NumberPair pair = ChooseChannels(offer.interleaved);
  track.channels = pair;
  const auto index = static_cast<int16_t>(&track - tracks_.data());
  channels_[pair.first] = static_cast<int16_t>(2 * index);
  channels_[pair.second] = static_cast<int16_t>(2 * index + 1);
  chosen.interleaved = pair;
}

// Reports go to the ports that the publisher names, at the address its connection comes from; only
// packets from there are taken.
Status ServerSession::SetUpUdp(Track& track, const Transport& offer, Transport& chosen) {
  PS_TRY(auto sockets, bind_udp_(connection_.local().address));
  track.udp = std::make_unique<UdpTrack>(std::move(sockets));
  track.udp->SetServerPorts(offer.client_port);
  chosen.client_port = offer.client_port;
  chosen.server_port = track.udp->ports();
  return Status();
}

Response ServerSession::Setup(const Request& request) {
  if (state_ != State::kAnnounced) {
    return Refuse(455,
                  "Method Not Valid in This State: SETUP follows ANNOUNCE; play by HLS instead");
  }
  Track* const track = FindTrack(request.url);
  if (track == nullptr) return Refuse(404, "Not Found: no such track was announced");
  if (track->set_up()) return Refuse(455, "Method Not Valid in This State: this track is set up");
  const auto transports = ParseTransports(request.headers.Find("Transport").value_or(""));
  // The publisher's order is its preference.
  const auto offer = std::find_if(transports.begin(), transports.end(), [this](const Transport& t) {
    if (t.multicast) return false;
    if (t.protocol == "RTP/AVP/TCP") return true;
    const bool udp = t.protocol == "RTP/AVP" || t.protocol == "RTP/AVP/UDP";
    return udp && t.client_port && bind_udp_ != nullptr;
  });
  if (offer == transports.end()) {
    return Refuse(
        461, "Unsupported Transport: publish over TCP, interleaved (ffmpeg: -rtsp_transport tcp)");
  }
  Transport chosen;
  chosen.protocol = offer->protocol;
  chosen.mode = "record";
  if (offer->tcp) {
    SetUpTcp(*track, *offer, chosen);
  } else {
    const Status bound = SetUpUdp(*track, *offer, chosen);
    if (!bound.ok()) return Refuse(503, bound.error().message());
  }
  if (session_id_.empty()) session_id_ = fmt::format("{:016X}", RandomU64());
  Response response;
  response.headers.Add("Transport", chosen.ToString());
  response.headers.Add("Session",
                       fmt::format("{};timeout={}", session_id_, kSessionTimeout.count()));
  return response;
}

}  // namespace penstock::ingest::rtsp
