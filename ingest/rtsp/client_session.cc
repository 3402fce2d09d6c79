#include "ingest/rtsp/client_session.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "base/random.h"
#include "ingest/rtsp/text.h"

namespace penstock::ingest::rtsp {

namespace {

// What a person can do about a certificate is said here, where it is known that it is a camera's.
std::string WhyNoConnection(const Url& url, const Error& error) {
  std::string reason = fmt::format("no connection to {}: {}", url.Authority(), error.message());
  if (url.tls && error.code() == ErrorCode::kUnauthenticated) {
    reason +=
        "; if that is the camera's own, accept it with --tls-fingerprint of `penstock source add` "
        "or with tls_fingerprint in the configuration file";
  }
  return reason;
}

}  // namespace

ClientSession::ClientSession(ClientEnvironment& environment, Options options,
                             std::unique_ptr<MediaSink>& sink)
    : environment_(environment),
      options_(std::move(options)),
      sink_(sink),
      auth_(options_.url),
      own_ssrc_(static_cast<uint32_t>(RandomU64())) {}

Task<SessionEnd> ClientSession::Run(CancelToken token) {
  Dialer::Target target;
  target.host = options_.url.host;
  target.port = options_.url.port;
  target.tls = options_.url.tls;
  target.tls_fingerprint = options_.tls_fingerprint;
  auto stream = co_await environment_.dialer.Connect(std::move(target), kConnectTime, token);
  if (!stream.ok()) {
    SessionEnd failed;
    failed.reason = WhyNoConnection(options_.url, stream.error());
    co_return failed;
  }
  connection_.emplace(std::move(*stream), environment_.clock);
  tasks_.Spawn(Watch(tasks_.token()));
  {
    const auto registration =
        token.OnCancel([this] { End(SessionEnd::Kind::kCancelled, "stopped"); });
    co_await Converse();
    if (!end_) End(SessionEnd::Kind::kFailed, "the conversation ended");
    co_await Leave();
  }
  if (goodbye_timer_ != 0) Executor::Current()->StopTimer(goodbye_timer_);
  for (Track& track : tracks_) {
    if (track.udp) track.udp->Close();
  }
  tasks_.Cancel();
  co_await tasks_.Join();
  for (Track& track : tracks_) track.receiver->Flush();
  co_await connection_->Finish();
  co_return std::move(*end_);
}

Task<void> ClientSession::Converse() {
  Status status = co_await Describe();
  for (size_t i = 0; status.ok() && !end_ && i < tracks_.size(); ++i)
    status = co_await SetUp(tracks_[i]);
  if (status.ok() && !end_) status = co_await BeginPublication();
  if (status.ok() && !end_) status = co_await Play();
  if (!status.ok()) {
    EndWith(status.error());
    co_return;
  }
  if (!end_) co_await Stream();
}

Task<Status> ClientSession::Describe() {
  const std::string url = options_.url.ToString();
  // Only to learn what keeps the session alive: a camera that does not answer it well is asked to
  // DESCRIBE all the same.
  Headers none;
  const auto options = co_await Exchange("OPTIONS", url, std::move(none));
  if (!options.ok()) co_return options.error();
  if (const auto methods = options->headers.Find("Public"))
    keep_alive_.OnPublic(ParseMethods(*methods));

  Headers accept;
  accept.Add("Accept", "application/sdp");
  const auto described = co_await Exchange("DESCRIBE", url, std::move(accept));
  if (!described.ok()) co_return described.error();
  if (described->status != 200) co_return Explain(*described, "DESCRIBE");
  PS_CO_TRY(const SessionPlan plan, PlanSession(*described, url));
  aggregate_url_ = plan.aggregate_url;
  co_return ChooseTracks(plan);
}

// The first picture and the first sound that can be recorded.
Status ClientSession::ChooseTracks(const SessionPlan& plan) {
  bool video = false;
  bool audio = false;
  for (const PlannedTrack& candidate : plan.candidates) {
    bool& taken = candidate.media.type == "video" ? video : audio;
    if (taken) continue;
    auto receiver = TrackReceiver::Make(environment_.make_depayloader, candidate.media,
                                        static_cast<uint32_t>(tracks_.size() + 1));
    if (!receiver.ok()) {
      if (receiver.error().code() != ErrorCode::kUnsupported) return receiver.error();
      left_out_ += (left_out_.empty() ? "" : ", ") + receiver.error().message();
      continue;
    }
    taken = true;
    Track track;
    track.receiver = std::move(*receiver);
    track.url = candidate.url;
    tracks_.push_back(std::move(track));
  }
  if (!tracks_.empty()) return Status();
  return Error(ErrorCode::kUnsupported, left_out_.empty()
                                            ? "the camera offers neither video nor audio"
                                            : fmt::format("unsupported codec {}", left_out_));
}

Task<Status> ClientSession::SetUp(Track& track) {
  Transport wanted;
  if (options_.udp) {
    auto sockets = environment_.dialer.BindPair(connection_->local().address);
    if (!sockets.ok()) co_return sockets.error();
    track.udp = std::make_unique<UdpTrack>(std::move(*sockets));
    wanted.protocol = "RTP/AVP";
    wanted.client_port = track.udp->ports();
  } else {
    const auto channel = static_cast<uint16_t>(2 * (track.receiver->number() - 1));
    track.channels = NumberPair(channel, static_cast<uint16_t>(channel + 1));
    wanted.protocol = "RTP/AVP/TCP";
    wanted.interleaved = track.channels;
  }
  Headers headers;
  headers.Add("Transport", wanted.ToString());
  const auto response = co_await Exchange("SETUP", track.url, std::move(headers));
  if (!response.ok()) co_return response.error();
  if (response->status == 461) {
    co_return RefuseTransport(fmt::format("461: the camera refuses {}", TransportName()));
  }
  if (response->status != 200) co_return Explain(*response, "SETUP");
  co_return AcceptTransport(track, *response);
}

// A turn of the conversation rather than an error of it: the next connection tries the other one.
Error ClientSession::RefuseTransport(std::string reason) {
  Error error(ErrorCode::kUnavailable, reason);
  End(SessionEnd::Kind::kTransportRefused, std::move(reason));
  return error;
}

Status ClientSession::AcceptTransport(Track& track, const Response& response) {
  if (const auto header = response.headers.Find("Session")) {
    const SessionHeader session = ParseSession(*header);
    // Cameras that give every track a session of its own mean the last one.
    if (!session.id.empty()) session_id_ = session.id;
    keep_alive_.OnSession(session.timeout);
  }
  const auto transports = ParseTransports(response.headers.Find("Transport").value_or(""));
  const Transport agreed = transports.empty() ? Transport() : transports.front();
  if (!transports.empty() && agreed.tcp == options_.udp) {
    return RefuseTransport(
        fmt::format("the camera answers {} with another transport", TransportName()));
  }
  if (!options_.udp) {
    if (agreed.interleaved) track.channels = *agreed.interleaved;
    return Status();
  }
  track.udp->SetServerPorts(agreed.server_port);
  TrackReceiver* const receiver = track.receiver.get();
  track.udp->Start(tasks_, connection_->peer().address, agreed.source,
                   [this, receiver](Bytes datagram, bool rtcp) {
                     if (end_ || !receiver->started()) return;
                     const SteadyTime now = environment_.clock.SteadyNow();
                     const ServerTime received = environment_.clock.Now();
                     if (rtcp) {
                       receiver->OnRtcp(datagram, now, received);
                     } else {
                       receiver->OnRtp(datagram, now, received);
                     }
                   });
  return Status();
}

Task<Status> ClientSession::BeginPublication() {
  // Of a stream that was deleted: the next one has the same name.
  if (sink_ && sink_->over()) sink_.reset();
  if (!sink_) {
    auto sink = co_await environment_.publications.Begin(
        options_.stream, fmt::format("rtsp pull from {}", options_.url.Authority()));
    if (!sink.ok()) co_return sink.error();
    sink_ = std::move(*sink);
  }
  // From here on packets are taken, even those that come before the answer to PLAY.
  for (Track& track : tracks_) track.receiver->Start(*sink_, !options_.udp);
  co_return Status();
}

Task<Status> ClientSession::Play() {
  for (Track& track : tracks_) {
    if (track.udp) track.udp->PunchHole(own_ssrc_);
  }
  Headers headers;
  headers.Add("Range", "npt=0.000-");
  const auto response = co_await Exchange("PLAY", aggregate_url_, std::move(headers));
  if (!response.ok()) co_return response.error();
  if (response->status != 200) co_return Explain(*response, "PLAY");
  NoteStarts(*response);
  playing_since_ = kept_alive_ = reported_ = environment_.clock.SteadyNow();
  playing_ = true;
  log::Write(log::kInfo, "rtsp pull began",
             {{"stream", options_.stream.text()},
              {"peer", options_.url.Authority()},
              {"transport", options_.udp ? "udp" : "tcp"},
              {"left_out", left_out_}});
  co_return Status();
}

// By RTP-Info. Cameras behind NAT name themselves by another host, so the end of the URL decides.
void ClientSession::NoteStarts(const Response& played) {
  const auto last_segment = [](std::string_view url) {
    while (url.ends_with('/')) url.remove_suffix(1);
    return url.substr(url.rfind('/') + 1);
  };
  for (const RtpInfo& info : ParseRtpInfo(played.headers.Find("RTP-Info").value_or(""))) {
    if (!info.timestamp) continue;
    for (Track& track : tracks_) {
      const bool meant = track.url == info.url || last_segment(track.url) == last_segment(info.url);
      if (meant) track.receiver->SetStart(*info.timestamp);
    }
  }
}

Task<void> ClientSession::Stream() {
  while (!end_) {
    auto next = connection_->TryNext();
    if (!next.ok()) {
      EndWith(next.error());
    } else if (!next->has_value()) {
      const Status filled = co_await connection_->Fill();
      if (!filled.ok()) EndWith(filled.error());
    } else if (const auto* packet = std::get_if<Interleaved>(&**next)) {
      OnPacket(*packet);
    } else if (const auto* response = std::get_if<Response>(&**next)) {
      OnLateResponse(*response);
    } else {
      OnServerRequest(std::get<Request>(**next));
    }
  }
}

// Reads on until the camera has answered TEARDOWN; the timer of End is the limit.
Task<void> ClientSession::Leave() {
  while (teardown_cseq_ && !teardown_answered_) {
    auto next = connection_->TryNext();
    if (!next.ok()) co_return;
    if (!next->has_value()) {
      const Status filled = co_await connection_->Fill();
      if (!filled.ok()) co_return;
    } else if (const auto* response = std::get_if<Response>(&**next)) {
      OnLateResponse(*response);
    }
  }
}

void ClientSession::OnPacket(const Interleaved& packet) {
  if (end_) return;
  for (Track& track : tracks_) {
    if (track.udp || !track.receiver->started()) continue;
    const SteadyTime now = connection_->last_received();
    if (packet.channel == track.channels.first) {
      return track.receiver->OnRtp(packet.payload, now, environment_.clock.Now());
    }
    if (packet.channel == track.channels.second) {
      return track.receiver->OnRtcp(packet.payload, now, environment_.clock.Now());
    }
  }
}

// Cameras may ask, too: OPTIONS as a sign of life, or ANNOUNCE of a changed session, which a new
// connection learns best.
void ClientSession::OnServerRequest(const Request& request) {
  Response response;
  response.status = request.method == "OPTIONS" || request.method == "GET_PARAMETER" ||
                            request.method == "SET_PARAMETER"
                        ? 200
                        : 501;
  if (const auto cseq = request.headers.Find("CSeq"))
    response.headers.Add("CSeq", std::string(*cseq));
  connection_->Send(response.Serialize());
}

// Answers nobody waits for: to keep-alives and to TEARDOWN.
void ClientSession::OnLateResponse(const Response& response) {
  const auto header = response.headers.Find("CSeq");
  const auto cseq = header ? ParseDecimal(*header) : std::nullopt;
  if (teardown_cseq_ && (!cseq || cseq == teardown_cseq_)) {
    teardown_answered_ = true;
    return;
  }
  if (!keep_alive_cseq_ || (cseq && cseq != keep_alive_cseq_)) return;
  keep_alive_cseq_.reset();
  if (response.status == 401) {
    // A fresh nonce, usually. What it refuses now it will refuse at the next connection, which says
    // so.
    if (auth_.OnChallenge(response.headers).ok()) kept_alive_ = SteadyTime();
    return;
  }
  auth_.OnAccepted();
  if (response.status == 454)
    return End(SessionEnd::Kind::kFailed, "454: the camera has forgotten the session");
  keep_alive_.OnAnswer(response.status);
}

void ClientSession::End(SessionEnd::Kind kind, std::string reason) {
  if (end_) return;
  end_.emplace();
  end_->kind = kind;
  end_->reason = std::move(reason);
  std::optional<SteadyTime> first_unit;
  for (const Track& track : tracks_) {
    if (track.receiver->progress().units > 0) first_unit = playing_since_;
  }
  if (first_unit && playing_) {
    end_->streamed = std::chrono::duration_cast<std::chrono::milliseconds>(
        environment_.clock.SteadyNow() - *first_unit);
  }
  if (session_id_.empty() || connection_->closed()) {
    connection_->Close(Error(ErrorCode::kCancelled, end_->reason));
    return;
  }
  const Headers none;
  teardown_cseq_ = SendRequest("TEARDOWN", aggregate_url_, none);
  Executor* const executor = Executor::Current();
  goodbye_timer_ = executor->StartTimer(executor->SteadyNow() + kGoodbyeTime, [this] {
    connection_->Close(Error(ErrorCode::kTimeout, "no answer to TEARDOWN"));
  });
}

void ClientSession::EndWith(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kUnauthenticated:
      return End(SessionEnd::Kind::kLoginRefused, error.message());
    case ErrorCode::kUnsupported:
      return End(SessionEnd::Kind::kUnsupported, error.message());
    case ErrorCode::kClosed:
      return End(SessionEnd::Kind::kFailed, "the camera closed the connection");
    default:
      return End(SessionEnd::Kind::kFailed, error.message());
  }
}

}  // namespace penstock::ingest::rtsp
