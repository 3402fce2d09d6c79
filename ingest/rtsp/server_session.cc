#include "ingest/rtsp/server_session.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "ingest/rtsp/text.h"
#include "ingest/rtsp/url.h"

namespace penstock::ingest::rtsp {
namespace {

constexpr std::string_view kMethods =
    "OPTIONS, ANNOUNCE, SETUP, RECORD, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER";
Origin OriginOf(const net::Endpoint& peer) {
  Origin origin;
  origin.loopback = peer.is_loopback();
  origin.peer = peer.ToString();
  return origin;
}

// rtsp://host:port/<stream>, with or without a slash and a query behind it.
Result<StreamName> StreamOf(std::string_view url) {
  const auto parsed = Url::Parse(url);
  if (!parsed.ok()) return parsed.error();
  std::string_view path = Cut(parsed->path, '?').first;
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  auto name = StreamName::Parse(PercentDecode(path));
  if (name.ok()) return name;
  return Error(
      ErrorCode::kInvalidArgument,
      "publish to rtsp://host:port/<stream>, where <stream> is 1-256 of a-z A-Z 0-9 _ . -");
}

int StatusOf(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kForbidden:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kAlreadyExists:
      return 406;
    case ErrorCode::kTooLarge:
      return 413;
    case ErrorCode::kUnsupported:
      return 415;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kProtocol:
      return 400;
    case ErrorCode::kInternal:
      return 500;
    default:
      return 503;
  }
}

}  // namespace

Response ServerSession::Refuse(int status, std::string_view reason) {
  Response response;
  response.status = status;
  response.reason = Printable(reason, 300);
  return response;
}

ServerSession::ServerSession(ServerContext& context, std::unique_ptr<net::TcpStream> stream,
                             BindUdp bind_udp)
    : context_(context),
      connection_(std::move(stream), context.clock),
      bind_udp_(std::move(bind_udp)),
      auth_(context.authorizer, OriginOf(connection_.peer()), context.clock),
      peer_(connection_.peer().ToString()),
      started_(context.clock.SteadyNow()) {
  channels_.fill(-1);
}

Task<void> ServerSession::Run(CancelToken token) {
  TaskGroup watch;
  watch.Spawn(Watch(watch.token()));
  const auto registration = token.OnCancel(
      [this] { connection_.Close(Error(ErrorCode::kCancelled, "the server is stopping")); });
  co_await Serve();
  watch.Cancel();
  co_await watch.Join();
  for (Track& track : tracks_) {
    if (!track.udp) continue;
    track.udp->Drain();
    track.udp->Close();
  }
  co_await udp_receivers_.Join();
  EndPublication();
  co_await connection_.Finish();
}

Task<void> ServerSession::Serve() {
  while (!leaving_) {
    auto next = connection_.TryNext();
    if (!next.ok()) {
      const bool large = next.error().code() == ErrorCode::kTooLarge;
      connection_.Send(Refuse(large ? 413 : 400, next.error().message()).Serialize());
      co_return;
    }
    if (!next->has_value()) {
      const Status filled = co_await connection_.Fill();
      if (!filled.ok()) co_return;
    } else if (const auto* packet = std::get_if<Interleaved>(&**next)) {
      OnPacket(*packet);
    } else if (auto* request = std::get_if<Request>(&**next)) {
      co_await Handle(std::move(*request));
    }
    // A response answers nothing we asked: it is ignored.
  }
}

Task<void> ServerSession::Handle(Request request) {
  Response response = co_await Answer(request);
  if (response.status >= 400) {
    log::Write(log::kInfo, "rtsp request refused",
               {{"peer", peer_},
                {"operation", Printable(request.method, 20)},
                {"status", response.status},
                {"reason", response.reason}});
  }
  Respond(request, std::move(response));
  if (auth_.failures() >= limits::kRtspAuthFailuresMax) leaving_ = true;
}

void ServerSession::Respond(const Request& request, Response response) {
  // CSeq first, as every implementation does: some peers look for it there.
  Response out;
  out.status = response.status;
  out.reason = std::move(response.reason);
  if (const auto cseq = request.headers.Find("CSeq")) out.headers.Add("CSeq", std::string(*cseq));
  out.headers.Add("Server", "Penstock");
  for (const auto& [name, value] : response.headers.fields()) out.headers.Add(name, value);
  connection_.Send(out.Serialize());
}

Task<Response> ServerSession::Answer(Request request) {
  if (request.version != "RTSP/1.0")
    co_return Refuse(505, "RTSP Version Not Supported: this is RTSP/1.0");
  if (!request.headers.Find("CSeq")) co_return Refuse(400, "Bad Request: no CSeq");
  if (const auto required = request.headers.Find("Require")) {
    Response refusal = Refuse(551);
    refusal.headers.Add("Unsupported", std::string(*required));
    co_return refusal;
  }
  const auto session = request.headers.Find("Session");
  if (session && ParseSession(*session).id != session_id_) co_return Refuse(454);

  const std::string& method = request.method;
  if (method == "OPTIONS") co_return Options();
  if (method == "ANNOUNCE") co_return co_await Announce(request);
  if (method == "SETUP") co_return Setup(request);
  if (method == "RECORD") co_return Record(request);
  if (method == "PAUSE") co_return Pause();
  if (method == "TEARDOWN") co_return Teardown();
  // What keeps sessions alive.
  if (method == "GET_PARAMETER" || method == "SET_PARAMETER") co_return Response();
  if (method == "DESCRIBE" || method == "PLAY") {
    Response refusal = Refuse(
        405, "Method Not Allowed: play this stream by HLS, at /hls/<stream>/index.m3u8 over HTTP");
    refusal.headers.Add("Allow", std::string(kMethods));
    co_return refusal;
  }
  Response refusal = Refuse(501);
  refusal.headers.Add("Public", std::string(kMethods));
  co_return refusal;
}

Response ServerSession::Options() const {
  Response response;
  response.headers.Add("Public", std::string(kMethods));
  return response;
}

Task<Response> ServerSession::Announce(Request request) {
  if (state_ != State::kInit)
    co_return Refuse(455, "Method Not Valid in This State: already announced");
  auto stream = StreamOf(request.url);
  if (!stream.ok()) co_return Refuse(400, stream.error().message());
  const Status allowed = auth_.Check(request, *stream);
  if (!allowed.ok()) {
    // The reason tells a person what to mend; which keys exist it does not tell.
    Response refusal = Refuse(StatusOf(allowed.error()));
    if (refusal.status == 401) auth_.AddChallenge(refusal.headers);
    co_return refusal;
  }
  const auto type = request.headers.Find("Content-Type");
  if (type && !StartsWithIgnoreCase(*type, "application/sdp")) {
    co_return Refuse(415, "Unsupported Media Type: ANNOUNCE takes application/sdp");
  }
  const auto sdp = Sdp::Parse(request.body.text());
  if (!sdp.ok()) co_return Refuse(StatusOf(sdp.error()), sdp.error().message());
  const Status made = MakeTracks(*sdp, request.url);
  if (!made.ok()) {
    tracks_.clear();
    co_return Refuse(StatusOf(made.error()), made.error().message());
  }
  auto sink =
      co_await context_.publications.Begin(*stream, fmt::format("rtsp push from {}", peer_));
  if (!sink.ok()) {
    tracks_.clear();
    co_return Refuse(StatusOf(sink.error()), sink.error().message());
  }
  sink_ = std::move(*sink);
  stream_.emplace(*stream);
  state_ = State::kAnnounced;
  SourceStatus status;
  status.state = SourceState::kConnecting;
  context_.publications.Report(*stream_, std::move(status));
  co_return Response();
}

Response ServerSession::Record(const Request&) {
  Response response;
  response.headers.Add("Session", session_id_);
  if (state_ == State::kRecording) return response;
  const bool any =
      std::any_of(tracks_.begin(), tracks_.end(), [](const Track& t) { return t.set_up(); });
  if (!any) return Refuse(455, "Method Not Valid in This State: RECORD follows SETUP");
  if (state_ == State::kAnnounced) {
    for (Track& track : tracks_) {
      if (!track.set_up()) continue;
      track.receiver->Start(*sink_, track.udp == nullptr);
      if (!track.udp) continue;
      track.udp->Start(udp_receivers_, connection_.peer().address, std::string(),
                       [this, receiver = track.receiver.get()](const Bytes& datagram, bool rtcp) {
                         OnDatagram(*receiver, datagram, rtcp);
                       });
    }
    own_ssrc_ = static_cast<uint32_t>(RandomU64());
    reported_ = context_.clock.SteadyNow();
    log::Write(log::kInfo, "rtsp push began", {{"stream", stream_->text()}, {"peer", peer_}});
  }
  state_ = State::kRecording;
  return response;
}

Response ServerSession::Pause() {
  if (state_ != State::kRecording && state_ != State::kPaused) return Refuse(455);
  if (state_ == State::kRecording) {
    for (Track& track : tracks_) track.receiver->Flush();
    sink_->Break();
  }
  state_ = State::kPaused;
  Response response;
  response.headers.Add("Session", session_id_);
  return response;
}

Response ServerSession::Teardown() {
  leaving_ = true;
  return Response();
}

void ServerSession::OnPacket(const Interleaved& packet) {
  const int16_t place = channels_[packet.channel];
  if (state_ != State::kRecording || place < 0) return;
  TrackReceiver& receiver = *tracks_[static_cast<size_t>(place / 2)].receiver;
  const SteadyTime now = connection_.last_received();
  const ServerTime received = context_.clock.Now();
  if (place % 2 == 0) {
    receiver.OnRtp(packet.payload, now, received);
  } else {
    receiver.OnRtcp(packet.payload, now, received);
  }
}

void ServerSession::OnDatagram(TrackReceiver& receiver, const Bytes& datagram, bool rtcp) {
  last_datagram_ = context_.clock.SteadyNow();
  if (state_ != State::kRecording) return;
  if (rtcp) {
    receiver.OnRtcp(datagram, last_datagram_, context_.clock.Now());
  } else {
    receiver.OnRtp(datagram, last_datagram_, context_.clock.Now());
  }
}

SteadyTime ServerSession::last_heard() const {
  return std::max(connection_.last_received(), last_datagram_);
}

void ServerSession::EndPublication() {
  if (!sink_) return;
  if (state_ == State::kRecording) {
    for (Track& track : tracks_) track.receiver->Flush();
  }
  const std::string reason = leaving_               ? "TEARDOWN"
                             : connection_.closed() ? connection_.closed()->ToString()
                                                    : "a breach of the protocol";
  log::Write(log::kInfo, "rtsp push ended",
             {{"stream", stream_->text()}, {"peer", peer_}, {"reason", reason}});
  // Who says that it leaves has left; else the camera, or the way to it, is lost.
  if (!leaving_) sink_->Break();
  sink_.reset();
}

}  // namespace penstock::ingest::rtsp
