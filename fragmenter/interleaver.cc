#include "fragmenter/interleaver.h"

#include <algorithm>

#include "base/limits.h"

namespace penstock::fragmenter {

void Interleaver::AddTrack(uint32_t number, ServerTime now) {
  now_ = std::max(now_, now);
  for (const Queue& queue : queues_) {
    if (queue.number == number) return;
  }
  queues_.push_back(Queue{.number = number, .last = now_});
}

void Interleaver::Advance(ServerTime now) { now_ = std::max(now_, now); }

void Interleaver::Push(TimedUnit unit) {
  const auto queue = std::ranges::find(queues_, unit.unit.track, &Queue::number);
  CHECK(queue != queues_.end());
  Advance(unit.arrived);
  // A track is announced when its description is known, which may be long before anything is sent.
  const bool first = std::ranges::none_of(queues_, &Queue::seen);
  for (Queue& other : queues_) {
    if (first) other.last = now_;
  }
  // The whole source stalled: the others have had no more chance to send than this one.
  const std::chrono::milliseconds pause = now_ - last_push_.value_or(now_);
  if (pause > kLateMax) {
    for (Queue& other : queues_) other.last += pause - kLateMax;
  }
  last_push_ = now_;
  queue->seen = true;
  queue->last = now_;
  bytes_ += unit.unit.data.size();
  queue->units.push_back(std::move(unit));
}

bool Interleaver::Alive(uint32_t number) const {
  const auto queue = std::ranges::find(queues_, number, &Queue::number);
  return queue != queues_.end() && queue->seen && now_ - queue->last <= kSilentAfter;
}

bool Interleaver::Full() const { return bytes_ > limits::kAccessUnitBytesMax; }

bool Interleaver::Waited(const Queue& head) const {
  if (Full()) return true;
  const std::chrono::milliseconds waited = now_ - head.units.front().arrived;
  return std::ranges::all_of(queues_, [&](const Queue& queue) {
    if (!queue.units.empty()) return true;
    if (!queue.seen) return now_ - queue.last > kAnnouncedMax;
    return waited > kLateMax || now_ - queue.last > kSilentAfter;
  });
}

std::optional<TimedUnit> Interleaver::Next(bool all) {
  Queue* head = nullptr;
  for (Queue& queue : queues_) {
    if (queue.units.empty()) continue;
    if (head == nullptr || queue.units.front().time_us < head->units.front().time_us) head = &queue;
  }
  if (head == nullptr || (!all && !Waited(*head))) return std::nullopt;
  TimedUnit unit = std::move(head->units.front());
  head->units.pop_front();
  bytes_ -= unit.unit.data.size();
  return unit;
}

}  // namespace penstock::fragmenter
