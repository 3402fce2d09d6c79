// One connection to a camera, from connecting to TEARDOWN.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/media_sink.h"
#include "ingest/rtsp/client_auth.h"
#include "ingest/rtsp/connection.h"
#include "ingest/rtsp/dialer.h"
#include "ingest/rtsp/keep_alive.h"
#include "ingest/rtsp/session_plan.h"
#include "ingest/rtsp/track_receiver.h"
#include "ingest/rtsp/udp_track.h"

namespace penstock::ingest::rtsp {

// What a client session needs from outside; outlives it.
struct ClientEnvironment {
  Dialer& dialer;
  Clock& clock;
  Publications& publications;
  DepayloaderFactory make_depayloader;
};

// Why a connection ended.
struct SessionEnd {
  enum class Kind {
    kCancelled,
    kFailed,            // try again later
    kLoginRefused,      // the same, but later
    kUnsupported,       // nothing there that can be recorded: try again much later
    kTransportRefused,  // 461
    kUdpSilent,
    kRedirected,
  };
  Kind kind = Kind::kFailed;
  std::string reason;
  std::optional<Url> redirect;
  std::chrono::milliseconds streamed{0};  // from the first access unit to the end
};

// Lives on the current loop, for one connection. The sink is made when the camera has shown that it
// has something to record, and stays with the caller, who gives it to the next session.
class ClientSession {
 public:
  struct Options {
    StreamName stream;
    Url url;
    bool udp = false;
    std::string tls_fingerprint;
  };
  ClientSession(ClientEnvironment& environment, Options options, std::unique_ptr<MediaSink>& sink);

  // To the end, whatever it is. Cancelling says TEARDOWN first, for at most kGoodbyeTime.
  Task<SessionEnd> Run(CancelToken token);

  static constexpr std::chrono::seconds kConnectTime{10};
  static constexpr std::chrono::seconds kAnswerTime{10};
  static constexpr std::chrono::seconds kGoodbyeTime{2};
  static constexpr std::chrono::seconds kReportInterval{5};

 private:
  struct Track {
    std::unique_ptr<TrackReceiver> receiver;
    std::string url;
    NumberPair channels;  // TCP
    std::unique_ptr<UdpTrack> udp;
  };

  // The conversation; each step leaves end_ set when it was the last.
  Task<void> Converse();
  Task<Status> Describe();
  Status ChooseTracks(const SessionPlan& plan);
  Task<Status> SetUp(Track& track);
  Error RefuseTransport(std::string reason);
  std::string_view TransportName() const { return options_.udp ? "UDP" : "TCP"; }
  Status AcceptTransport(Track& track, const Response& response);
  Task<Status> BeginPublication();
  Task<Status> Play();
  void NoteStarts(const Response& played);
  Task<void> Stream();
  Task<void> Leave();

  // Sends a request, answers a challenge, and waits for the response. Packets that come meanwhile
  // are handled.
  Task<Result<Response>> Exchange(std::string method, std::string url, Headers headers);
  Task<Result<Response>> AwaitResponse(uint64_t cseq);
  uint64_t SendRequest(std::string_view method, const std::string& url, const Headers& headers);
  Error Explain(const Response& response, std::string_view method);

  void OnPacket(const Interleaved& packet);
  void OnServerRequest(const Request& request);
  void OnLateResponse(const Response& response);

  // The first reason stays. Says TEARDOWN if there is a session, and closes soon after.
  void End(SessionEnd::Kind kind, std::string reason);
  void EndWith(const Error& error);

  Task<void> Watch(CancelToken token);
  void CheckTracks(SteadyTime now);
  void KeepAliveIfDue(SteadyTime now);
  void ReportReception(SteadyTime now);
  void Tell(SourceState state, std::string reason);

  ClientEnvironment& environment_;
  const Options options_;
  std::unique_ptr<MediaSink>& sink_;
  ClientAuth auth_;
  KeepAlive keep_alive_;
  std::optional<Connection> connection_;
  TaskGroup tasks_;

  std::vector<Track> tracks_;
  std::string left_out_;  // media that cannot be recorded, for people
  std::string aggregate_url_;
  std::string session_id_;
  uint64_t cseq_ = 0;
  uint32_t own_ssrc_;

  std::optional<SteadyTime> answer_due_;  // of the request that is being exchanged
  std::string awaited_method_;
  std::optional<uint64_t> keep_alive_cseq_;
  std::optional<uint64_t> teardown_cseq_;
  bool teardown_answered_ = false;
  Executor::TimerId goodbye_timer_ = 0;

  bool playing_ = false;
  SteadyTime playing_since_;
  SteadyTime kept_alive_;
  SteadyTime reported_;
  std::optional<SourceStatus> told_;
  std::optional<SessionEnd> end_;
};

}  // namespace penstock::ingest::rtsp
