#include "ingest/upload/upload_stream.h"

#include "base/limits.h"
#include "store/asked_flags.h"

namespace penstock::ingest {
namespace {

std::chrono::milliseconds InMs(std::chrono::microseconds t) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(t);
}

}  // namespace

void UploadStream::Resume(std::optional<MediaEnd> before) {
  const std::lock_guard lock(mutex_);
  const bool same = end_ && before && end_->ordinal == before->ordinal;
  // What is on its way has been counted in already.
  if (same || !appending_.empty()) return;
  timeline_.Break();
  run_ = 0;
  end_ = before;
  ShowMissing();
}

void UploadStream::ShowMissing() {
  view_->NoteMissing(end_ ? end_->reason : store::GapReason::kNone);
}

store::GapReason UploadStream::ReasonBefore(ServerTime start) const {
  if (!end_) return store::GapReason::kNone;
  if (end_->reason != store::GapReason::kNone) return end_->reason;
  if (start - end_->time <= limits::kPauseNoHole) return store::GapReason::kNone;
  return store::GapReason::kCameraLost;
}

store::NewItem UploadStream::MakeItem(fragmenter::UploadFragment fragment, int64_t base_ns,
                                      ProducerTime producer_time, store::Slot slot) {
  const std::lock_guard lock(mutex_);
  fragmenter::PlacedUpload placed = timeline_.Place(fragment, base_ns);
  if (fragment.header != header_) {
    header_ = fragment.header;
    track_set_meta_ = fragmenter::EncodeTrackSet(header_->playable);
  }
  if (placed.starts_run) run_ = 0;
  store::NewItem item;
  if (run_ == 0) item.gap_reason = ReasonBefore(slot.server_time());
  end_ = MediaEnd{slot.ordinal(), slot.server_time() + InMs(placed.duration)};
  ShowMissing();
  item.run = run_;
  if (run_ == 0) run_ = slot.number().index;
  item.slot = std::move(slot);
  item.flags = store::kFlagProducerTimeSane;
  if (placed.no_keyframe) item.flags |= store::kFlagNoKeyframe;
  if (fragment.asks_notification) item.flags |= store::kFlagAsksNotification;
  item.producer_time = producer_time;
  item.duration = placed.duration;
  item.track_set = header_->document;
  item.track_set_meta = track_set_meta_;
  item.body = std::move(fragment.body);
  item.meta = placed.frames.Encode();
  appending_.insert(producer_time);
  return item;
}

void UploadStream::EndAppend(ProducerTime producer_time, store::RunId run, bool seen) {
  std::vector<Oneshot<Unit>> due;
  {
    const std::lock_guard lock(mutex_);
    appending_.erase(appending_.find(producer_time));
    due.swap(waiting_);
    if (!seen && run_ == run) {
      run_ = 0;
      timeline_.Break();
    }
  }
  for (const Oneshot<Unit>& waiter : due) waiter.Set(Unit());
}

uint64_t UploadStream::Begin(Coming coming) {
  const std::lock_guard lock(mutex_);
  coming_.emplace(++last_coming_, std::move(coming));
  return last_coming_;
}

void UploadStream::EndComing(uint64_t id) {
  const std::lock_guard lock(mutex_);
  coming_.erase(id);
}

Task<void> UploadStream::GiveUpOthers(ProducerTime producer_time) {
  std::vector<Coming> others;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, coming] : coming_) {
      if (coming.producer_time == producer_time) others.push_back(coming);
    }
  }
  for (const Coming& other : others) {
    Oneshot<Unit> done;
    auto give_up = [other, done] {
      other.give_up();
      done.Set(Unit());
    };
    other.executor->Post(std::move(give_up));
    co_await done;
  }
}

Task<void> UploadStream::WaitForAppends(ProducerTime producer_time) {
  for (;;) {
    Oneshot<Unit> waiter;
    {
      const std::lock_guard lock(mutex_);
      if (!appending_.contains(producer_time)) co_return;
      waiting_.push_back(waiter);
    }
    co_await waiter;
  }
}

bool UploadStream::MayBeRepeated(ProducerTime producer_time) const {
  {
    const std::lock_guard lock(mutex_);
    if (appending_.lower_bound(producer_time) != appending_.end()) return true;
  }
  const std::optional<store::ItemHeader> newest = shard_->GetStatus().newest;
  return newest && newest->producer_time >= producer_time;
}

std::optional<MediaEnd> UploadStream::End(store::GapReason reason) {
  const std::lock_guard lock(mutex_);
  if (!end_ || end_->reason != store::GapReason::kNone) return std::nullopt;
  end_->reason = reason;
  ShowMissing();
  return end_;
}

}  // namespace penstock::ingest
