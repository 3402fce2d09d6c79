// TCP or UDP, learnt from what a camera refuses and what the network swallows.
#pragma once

#include "ingest/sources.h"

namespace penstock::ingest::rtsp {

// One per camera, over all its connections. kTcp stays; kAuto starts with TCP, kUdp with UDP; both
// change when there is a reason to.
class TransportChoice {
 public:
  explicit TransportChoice(RtspTransport configured)
      : fixed_(configured == RtspTransport::kTcp), udp_(configured == RtspTransport::kUdp) {}

  bool udp() const { return udp_; }

  // The camera refuses the current one (461). True if the other one is worth trying at once.
  bool OnRefused() {
    if (fixed_) return false;
    const bool other_refused = udp_ ? tcp_refused_ : udp_refused_;
    (udp_ ? udp_refused_ : tcp_refused_) = true;
    if (other_refused) {
      // It refuses both: nothing learnt now will hold for long.
      tcp_refused_ = udp_refused_ = false;
      return false;
    }
    udp_ = !udp_;
    return true;
  }
  // UDP was agreed on, but nothing came. True if TCP is worth trying at once.
  bool OnUdpSilent() {
    if (tcp_refused_) return false;
    udp_ = false;
    return true;
  }

 private:
  const bool fixed_;
  bool udp_;
  bool tcp_refused_ = false;
  bool udp_refused_ = false;
};

}  // namespace penstock::ingest::rtsp
