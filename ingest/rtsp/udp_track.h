// A track's two UDP sockets.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "base/task.h"
#include "ingest/rtsp/headers.h"
#include "net/udp.h"

namespace penstock::ingest::rtsp {

// Receives RTP and RTCP of one track, from a camera or from a publisher. Packets are copied once,
// from the socket's buffer into slabs that many of them share.
class UdpTrack {
 public:
  using Sockets = std::pair<std::unique_ptr<net::UdpSocket>, std::unique_ptr<net::UdpSocket>>;
  // A datagram; `rtcp` by the socket it came to.
  using OnDatagram = std::function<void(Bytes datagram, bool rtcp)>;

  explicit UdpTrack(Sockets sockets)
      : rtp_(std::move(sockets.first)), rtcp_(std::move(sockets.second)) {}

  NumberPair ports() const { return NumberPair(rtp_->local().port, rtcp_->local().port); }

  // After SETUP: only what comes from `peer` (or `source`, if the camera named another address) is
  // taken; its port is not compared, since some cameras send from others than they say. Spawned
  // tasks end with Close.
  void Start(TaskGroup& tasks, std::string peer, std::string source, OnDatagram on_datagram);
  // Opens the way through routers: empty packets to where the camera sends from.
  void PunchHole(uint32_t own_ssrc);
  void SetServerPorts(std::optional<NumberPair> ports) { server_ports_ = ports; }
  void SendRtcp(ByteSpan report);
  // Takes what has arrived already, without waiting: before the end, since the word that ends a
  // session comes by another way than its last packets.
  void Drain();
  void Close();

  uint64_t strangers() const { return strangers_; }  // datagrams from other addresses

 private:
  Task<void> Receive(net::UdpSocket& socket, bool rtcp);
  bool Knows(const std::string& from) const;

  const std::unique_ptr<net::UdpSocket> rtp_;
  const std::unique_ptr<net::UdpSocket> rtcp_;
  std::string peer_;
  std::string source_;
  std::optional<NumberPair> server_ports_;
  OnDatagram on_datagram_;
  uint64_t strangers_ = 0;
};

}  // namespace penstock::ingest::rtsp
