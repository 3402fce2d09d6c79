// Datagrams. Same rules as net/tcp.h.
#pragma once

#include <memory>
#include <span>

#include "base/task.h"
#include "net/tcp.h"

namespace penstock::net {

class UdpSocket {
 public:
  // Port 0 takes a free one.
  static Result<std::unique_ptr<UdpSocket>> Bind(EventLoop& loop, std::string address,
                                                 uint16_t port);
  // Two sockets on an even port and the next one, as RTP and RTCP want them (RFC 3550, section 11).
  static Result<std::pair<std::unique_ptr<UdpSocket>, std::unique_ptr<UdpSocket>>> BindPair(
      EventLoop& loop, std::string address);
  virtual ~UdpSocket() = default;

  struct Datagram {
    size_t bytes = 0;
    Endpoint from;
  };
  // A datagram that does not fit is cut. kCancelled after Close. One call at a time.
  virtual Task<Result<Datagram>> Receive(std::span<uint8_t> out) = 0;
  // Receives without waiting; kUnavailable when there is none. For draining after one Receive.
  virtual Result<Datagram> TryReceive(std::span<uint8_t> out) = 0;
  // Best effort, without waiting: what the kernel does not take is lost, as on the wire.
  virtual Status Send(ByteSpan bytes, const Endpoint& to) = 0;
  virtual void Close() = 0;  // The destructor does the same.
  virtual Endpoint local() const = 0;
};

}  // namespace penstock::net
