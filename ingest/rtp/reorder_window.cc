#include "ingest/rtp/reorder_window.h"

namespace penstock::ingest::rtp {
namespace {

// RFC 3550, A.1: further than this is no loss and no disorder but another sequence.
constexpr int64_t kAheadMax = 3000;
constexpr int64_t kBehindMax = 100;

}  // namespace

void ReorderWindow::Insert(uint16_t sequence, Bytes packet, SteadyTime now) {
  if (!next_) next_ = sequence;
  const int64_t ahead =
      static_cast<int16_t>(static_cast<uint16_t>(sequence - static_cast<uint16_t>(*next_)));
  const int64_t turn = *next_ + ahead;
  if (ahead > kAheadMax || ahead < -kBehindMax) {
    if (!FollowsJump(sequence)) return;
    Flush();
    ++restarts_;
    ++lost_;  // How many is unknown, but the first packet of the jump at least.
    next_ = int64_t{sequence} + 1;
    deliver_(std::move(packet), 1);
    return;
  }
  after_jump_.reset();
  if (ahead < 0) {
    ++late_;
  } else if (ahead == 0 || options_.packets_max == 0) {
    DeliverAt(turn, std::move(packet));
    DeliverConsecutive();
  } else {
    const bool is_new = held_.try_emplace(turn, Held{std::move(packet), now}).second;
    if (!is_new) ++late_;
    if (held_.size() > options_.packets_max) SkipToFirstHeld();
  }
  Expire(now);
}

void ReorderWindow::Expire(SteadyTime now) {
  while (!held_.empty() && now - held_.begin()->second.arrived >= options_.wait) SkipToFirstHeld();
}

void ReorderWindow::Flush() {
  while (!held_.empty()) SkipToFirstHeld();
}

void ReorderWindow::Reset() {
  held_.clear();
  next_.reset();
  after_jump_.reset();
}

void ReorderWindow::DeliverAt(int64_t sequence, Bytes packet) {
  const auto missing = static_cast<uint64_t>(sequence - *next_);
  lost_ += missing;
  next_ = sequence + 1;
  deliver_(std::move(packet), missing);
}

void ReorderWindow::DeliverConsecutive() {
  while (!held_.empty() && held_.begin()->first == *next_) SkipToFirstHeld();
}

void ReorderWindow::SkipToFirstHeld() {
  auto first = held_.extract(held_.begin());
  DeliverAt(first.key(), std::move(first.mapped().packet));
  DeliverConsecutive();
}

bool ReorderWindow::FollowsJump(uint16_t sequence) {
  const bool confirmed = after_jump_ == sequence;
  after_jump_ =
      confirmed ? std::nullopt : std::optional<uint16_t>(static_cast<uint16_t>(sequence + 1));
  return confirmed;
}

}  // namespace penstock::ingest::rtp
