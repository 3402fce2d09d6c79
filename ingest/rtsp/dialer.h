// Where a client's sockets come from; replaced in tests.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "net/tcp.h"
#include "net/udp.h"

namespace penstock::ingest::rtsp {

class Dialer {
 public:
  struct Target {
    std::string host;
    uint16_t port = 0;
    bool tls = false;
    std::string tls_fingerprint;  // a certificate that is accepted whoever signed it; may be empty
  };

  virtual ~Dialer() = default;
  // kUnauthenticated: the other end's certificate is not accepted; says its fingerprint.
  virtual Task<Result<std::unique_ptr<net::TcpStream>>> Connect(Target target,
                                                                std::chrono::milliseconds timeout,
                                                                CancelToken token) = 0;
  // RTP on an even port and RTCP on the next.
  virtual Result<std::pair<std::unique_ptr<net::UdpSocket>, std::unique_ptr<net::UdpSocket>>>
  BindPair(std::string address) = 0;
};

}  // namespace penstock::ingest::rtsp
