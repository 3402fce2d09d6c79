// One publisher's connection: ANNOUNCE, SETUP, RECORD, packets, TEARDOWN.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "ingest/media_sink.h"
#include "ingest/rtsp/connection.h"
#include "ingest/rtsp/headers.h"
#include "ingest/rtsp/server_auth.h"
#include "ingest/rtsp/track_receiver.h"
#include "ingest/rtsp/udp_track.h"

namespace penstock::ingest::rtsp {

// What sessions need from the server; outlives them.
struct ServerContext {
  const Authorizer& authorizer;
  Publications& publications;
  const Clock& clock;
  DepayloaderFactory make_depayloader;
};

// Makes the two sockets of a track at this address of ours.
using BindUdp = std::function<Result<UdpTrack::Sockets>(std::string address)>;

// Lives on one loop: the connection's, which is also where the publication's sink is used. Memory
// is bounded by the connection's buffers and the tracks' depayloaders. The states and what they
// allow:
//
//   kInit --ANNOUNCE--> kAnnounced --SETUP (each track), RECORD--> kRecording <--PAUSE, RECORD-->
//   kPaused
class ServerSession {
 public:
  // Without `bind_udp` packets are taken over the connection only.
  ServerSession(ServerContext& context, std::unique_ptr<net::TcpStream> stream,
                BindUdp bind_udp = nullptr);

  // Serves until the peer leaves, breaks a rule or stalls, or the token fires.
  Task<void> Run(CancelToken token);

 private:
  enum class State { kInit, kAnnounced, kRecording, kPaused };
  struct Track {
    std::string url;      // as SETUP names it
    std::string control;  // as announced
    std::unique_ptr<TrackReceiver> receiver;
    // Set up over the connection, or by UDP.
    std::optional<NumberPair> channels;
    std::unique_ptr<UdpTrack> udp;

    bool set_up() const { return channels.has_value() || udp != nullptr; }
  };

  static constexpr std::chrono::seconds kSessionTimeout{60};
  // Reasons quote peers and errors: nothing in them may end the line.
  static Response Refuse(int status, std::string_view reason = {});

  Task<void> Serve();
  Task<void> Handle(Request request);
  Task<Response> Answer(Request request);
  void Respond(const Request& request, Response response);

  Task<Response> Announce(Request request);
  Response Options() const;
  Response Setup(const Request& request);
  // Both complete the transport that is answered.
  void SetUpTcp(Track& track, const Transport& offer, Transport& chosen);
  Status SetUpUdp(Track& track, const Transport& offer, Transport& chosen);
  Response Record(const Request& request);
  Response Pause();
  Response Teardown();

  // Makes the receivers; kUnsupported names the codec.
  Status MakeTracks(const Sdp& sdp, const std::string& base);
  Track* FindTrack(std::string_view url);
  NumberPair ChooseChannels(const std::optional<NumberPair>& wanted) const;

  void OnPacket(const Interleaved& packet);
  void OnDatagram(TrackReceiver& receiver, const Bytes& datagram, bool rtcp);
  // The last sign of life: anything on the connection, or a packet by UDP.
  SteadyTime last_heard() const;
  Task<void> Watch(CancelToken token);
  void CheckProgress(SteadyTime now);
  void SendReports(SteadyTime now);
  void EndPublication();

  ServerContext& context_;
  Connection connection_;
  const BindUdp bind_udp_;
  TaskGroup udp_receivers_;
  SteadyTime last_datagram_;
  ServerAuth auth_;
  const std::string peer_;
  const SteadyTime started_;

  State state_ = State::kInit;
  bool leaving_ = false;
  std::optional<StreamName> stream_;
  std::string session_id_;
  std::vector<Track> tracks_;
  // Where a channel's packets go: 2 * track for RTP, one more for RTCP; negative for nowhere.
  std::array<int16_t, 256> channels_;
  std::unique_ptr<MediaSink> sink_;
  uint32_t own_ssrc_ = 0;
  SteadyTime reported_;
  bool told_recording_ = false;
  std::string told_reason_;
};

}  // namespace penstock::ingest::rtsp
