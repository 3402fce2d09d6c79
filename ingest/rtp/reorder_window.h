// Puts the packets of one RTP source into sequence, and counts those that never came.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/time.h"

namespace penstock::ingest::rtp {

// One per track and transport. In order, a packet passes straight through without being stored.
// Behind a gap packets are held until the missing one comes, or `wait` has passed, or `packets_max`
// are held: then it is lost. A stream that jumps far (a sender that restarted) is followed once two
// packets in a row agree (RFC 3550, A.1).
class ReorderWindow {
 public:
  struct Options {
    size_t packets_max =
        limits::kReorderPacketsMax;  // 0: the transport keeps the order, a gap is a loss at once
    std::chrono::milliseconds wait = limits::kReorderWait;
  };
  // A packet in its turn; `lost_before` packets are missing directly before it (at least 1 after a
  // jump).
  using Deliver = std::function<void(Bytes packet, uint64_t lost_before)>;

  ReorderWindow(Options options, Deliver deliver)
      : options_(options), deliver_(std::move(deliver)) {}

  void Insert(uint16_t sequence, Bytes packet, SteadyTime now);
  // Gives up on what has been missing for too long. Call now and then when no packet comes.
  void Expire(SteadyTime now);
  // Gives out everything held; gaps are losses.
  void Flush();
  // Forgets everything: the next packet is a first one.
  void Reset();

  uint64_t lost() const { return lost_; }
  uint64_t late() const { return late_; }          // duplicates and packets after their turn
  uint64_t restarts() const { return restarts_; }  // jumps followed
  size_t held() const { return held_.size(); }

 private:
  struct Held {
    Bytes packet;
    SteadyTime arrived;
  };

  void DeliverAt(int64_t sequence, Bytes packet);
  void DeliverConsecutive();
  void SkipToFirstHeld();
  bool FollowsJump(uint16_t sequence);

  const Options options_;
  const Deliver deliver_;
  std::optional<int64_t> next_;         // the sequence number whose turn it is
  std::optional<uint16_t> after_jump_;  // would confirm the jump the last packet made
  std::map<int64_t, Held> held_;        // all keys > next_
  uint64_t lost_ = 0;
  uint64_t late_ = 0;
  uint64_t restarts_ = 0;
};

}  // namespace penstock::ingest::rtp
