// TCP or UDP, learnt from what a camera refuses and what the network swallows.
#pragma once

#include <chrono>

#include "base/time.h"
#include "ingest/sources.h"

namespace penstock::ingest::rtsp {

// One per camera, over all its connections. kTcp stays; kAuto starts with TCP, kUdp with UDP; both
// change when there is a reason to, and go back to what they started with at the first connection
// after kAgainAfter: routers are replaced, cameras are set up anew. Not sooner, for each try at
// silent UDP costs seconds of recording.
class TransportChoice {
 public:
  explicit TransportChoice(RtspTransport configured)
      : fixed_(configured == RtspTransport::kTcp),
        first_udp_(configured == RtspTransport::kUdp),
        udp_(first_udp_) {}

  static constexpr std::chrono::hours kAgainAfter{1};

  // Before each connection.
  void OnConnecting(SteadyTime now) {
    if (udp_ == first_udp_) {
      with_first_ = now;
    } else if (now - with_first_ >= kAgainAfter) {
      udp_ = first_udp_;
      with_first_ = now;
      tcp_refused_ = udp_refused_ = false;
    }
  }

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
  const bool first_udp_;
  bool udp_;
  SteadyTime with_first_;  // when it was last tried with what it started with
  bool tcp_refused_ = false;
  bool udp_refused_ = false;
};

}  // namespace penstock::ingest::rtsp
