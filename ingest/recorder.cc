#include "ingest/recorder.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "ingest/metrics.h"

namespace penstock::ingest {
namespace {

// Of what the store refuses.
store::GapReason ReasonOf(ErrorCode code) {
  return code == ErrorCode::kFull ? store::GapReason::kDiskFull : store::GapReason::kOverload;
}

std::chrono::milliseconds InMs(std::chrono::microseconds t) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(t);
}

uint32_t ItemFlagsOf(const fragmenter::FragmentFlags& flags) {
  uint32_t out = 0;
  if (flags.damaged) out |= store::kFlagDamaged;
  if (flags.no_keyframe) out |= store::kFlagNoKeyframe;
  if (flags.clock_jump) out |= store::kFlagClockJump;
  if (flags.producer_time_sane) out |= store::kFlagProducerTimeSane;
  return out;
}

}  // namespace

bool PendingBytes::TryTake(size_t bytes) {
  const size_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
  if (before + bytes <= limits::kPendingBytesMax) return true;
  Give(bytes);
  return false;
}

// What appends need after the recorder is gone.
struct Recorder::Pipeline : std::enable_shared_from_this<Recorder::Pipeline> {
  OpenShard open_shard;
  NoteHole note_hole;
  std::shared_ptr<store::Shard> shard;  // null until somebody had something to store
  std::shared_ptr<View> view;
  PendingBytes* pending = nullptr;
  std::function<void()> on_drained;

  bool asked = false;                       // for the shard
  bool opening = false;                     // and no answer has come yet
  std::vector<fragmenter::Fragment> early;  // cut before there was a shard
  bool early_lost = false;                  // more than may wait

  store::Slot slot;    // of the fragment that is being collected
  size_t waiting = 0;  // fragments on their way to the log
  bool closed = false;
  uint64_t breaks = 0;   // what ends later than the connection it came by says nothing of the next
  bool over = false;     // the shard takes nothing more: deleted, or the store is closing
  store::RunId run = 0;  // 0: the next fragment starts one
  // The end of the newest item with media, or what was to be some. Nothing: there is none.
  std::optional<MediaEnd> end;  // its reason: why what comes next does not follow; kNone: it does
  bool lost = false;            // packets, since the newest fragment began
  bool lost_before = false;     // the same, when `slot` was taken
  std::shared_ptr<const fragmenter::TrackSet> tracks;
  Bytes track_set;
  Bytes track_set_meta;

  void AskForShard() {
    asked = true;
    if (opening || over) return;
    opening = true;
    Detach(RunOpen(shared_from_this()));
  }

  static Task<void> RunOpen(std::shared_ptr<Pipeline> self) {
    Result<OpenedShard> opened = co_await self->open_shard();
    if (opened.ok()) {
      self->shard = std::move(opened->shard);
      self->end = opened->before;
      self->ShowMissing();
    } else {
      self->NoteStorage(opened.error(), self->breaks);
    }
    // An append may end at once: the recorder is not drained before all of them have begun.
    self->StoreEarly();
    self->opening = false;
    self->NotifyIfDrained();
  }

  void HoldBack(fragmenter::Fragment fragment) {
    if (early.size() >= limits::kPendingFragmentsPerStreamMax ||
        !pending->TryTake(fragment.cluster.size())) {
      early_lost = true;
      CountDropped(DropReason::kOverload);
      return;
    }
    early.push_back(std::move(fragment));
    NoteWaiting();
    AskForShard();
  }

  void StoreEarly() {
    for (fragmenter::Fragment& fragment : std::exchange(early, {})) {
      pending->Give(fragment.cluster.size());
      if (shard) {
        OnFragment(std::move(fragment));
      } else {
        CountDropped(DropReason::kRefused);
        early_lost = true;
      }
    }
    // They had no ordinal: viewers must be told of the hole by a discontinuity.
    if (std::exchange(early_lost, false)) {
      run = 0;
      BeginHole(store::GapReason::kOverload);
    }
    if (closed) EndMedia(store::GapReason::kSourceRemoved);
    NoteWaiting();
  }

  // The first reason of a hole is its reason. False: it has one already, or there is no media
  // before it.
  bool BeginHole(store::GapReason reason) {
    if (!end || end->reason != store::GapReason::kNone) return false;
    end->reason = reason;
    ShowMissing();
    return true;
  }
  void EndMedia(store::GapReason reason) {
    if (shard && !over && BeginHole(reason)) note_hole(shard->id(), end->ordinal, reason);
  }
  void ShowMissing() {
    const std::lock_guard lock(view->mutex_);
    view->counters_.missing = end ? end->reason : store::GapReason::kNone;
  }

  // What to say of the time before a fragment that starts a run.
  store::GapReason ReasonBefore(ServerTime start) const {
    if (!end || end->reason != store::GapReason::kNone) {
      return end ? end->reason : store::GapReason::kNone;
    }
    if (start - end->time <= limits::kPauseNoHole) return store::GapReason::kNone;
    return lost_before ? store::GapReason::kPacketLoss : store::GapReason::kCameraLost;
  }

  void TakeSlot() {
    Result<store::Slot> opened = shard->OpenSlot();
    lost_before = std::exchange(lost, false);
    if (opened.ok()) {
      slot = std::move(opened).value();
    } else {
      NoteStorage(opened.error(), breaks);
      BeginHole(ReasonOf(opened.error().code()));
    }
  }

  void OnFragment(fragmenter::Fragment fragment) {
    if (!shard) return HoldBack(std::move(fragment));
    if (!slot.open()) TakeSlot();
    if (!slot.open()) {
      // No number, so no ordinal: viewers must be told of the hole by a discontinuity.
      run = 0;
      CountDropped(DropReason::kRefused);
      return;
    }
    const size_t bytes = fragment.cluster.size();
    const ServerTime begins = slot.server_time();
    const std::optional<MediaEnd> before = end;
    store::NewItem item = MakeItem(std::move(fragment));
    std::chrono::milliseconds hole{0};
    if (before && item.gap_reason != store::GapReason::kNone) hole = begins - before->time;
    const bool overload =
        waiting >= limits::kPendingFragmentsPerStreamMax || !pending->TryTake(bytes);
    ++waiting;
    NoteWaiting();
    Detach(overload ? RunDrop(shared_from_this(), std::move(item))
                    : RunAppend(shared_from_this(), std::move(item), bytes, hole));
  }

  store::NewItem MakeItem(fragmenter::Fragment fragment) {
    if (fragment.tracks != tracks) {
      tracks = fragment.tracks;
      track_set = fragmenter::EncodeMkvHeader(*tracks);
      track_set_meta = fragmenter::EncodeTrackSet(*tracks);
    }
    if (fragment.starts_run) run = 0;
    store::NewItem item;
    if (run == 0) item.gap_reason = ReasonBefore(slot.server_time());
    end = MediaEnd{slot.ordinal(), slot.server_time() + InMs(fragment.duration)};
    ShowMissing();
    // A fragment that is the first of its run names itself by 0.
    item.run = run;
    if (run == 0) run = slot.number().index;
    item.slot = std::move(slot);
    slot = store::Slot();
    item.flags = ItemFlagsOf(fragment.flags);
    item.producer_time = fragment.producer_time;
    item.duration = fragment.duration;
    item.track_set = track_set;
    item.track_set_meta = track_set_meta;
    item.body = std::move(fragment.cluster);
    item.meta = fragment.frames.Encode();
    return item;
  }

  // `hole` before it is counted when both its ends are durable.
  static Task<void> RunAppend(std::shared_ptr<Pipeline> self, store::NewItem item, size_t bytes,
                              std::chrono::milliseconds hole) {
    const store::GapReason before = item.gap_reason;
    const std::chrono::microseconds duration = item.duration;
    const store::RunId run_of_item = item.run != 0 ? item.run : item.slot.number().index;
    const uint64_t breaks = self->breaks;
    const Result<store::ItemHeader> stored = co_await self->shard->Append(std::move(item));
    self->pending->Give(bytes);
    if (stored.ok()) {
      self->NoteStored(breaks);
      if (before != store::GapReason::kNone) IngestMetrics::Get().CountGap(before, hole);
    } else {
      self->NoteStorage(stored.error(), breaks);
      self->CountDropped(DropReason::kRefused);
      const ErrorCode code = stored.error().code();
      const bool live = code == ErrorCode::kFull || code == ErrorCode::kUnavailable;
      IngestMetrics::Get().CountGap(ReasonOf(code), duration);
      // What nobody sees is a gap: what follows does not continue its run, unless another has begun
      // already.
      if (!live && self->run == run_of_item) {
        self->run = 0;
        self->BeginHole(ReasonOf(code));
      }
    }
    self->Ended();
  }

  static Task<void> RunDrop(std::shared_ptr<Pipeline> self, store::NewItem item) {
    self->CountDropped(DropReason::kOverload);
    IngestMetrics::Get().CountGap(store::GapReason::kOverload, item.duration);
    const uint64_t breaks = self->breaks;
    self->NoteStorage(Error(ErrorCode::kThrottled,
                            "what came before is still being written, so this was left out"),
                      breaks);
    const Result<store::ItemHeader> dropped =
        co_await self->shard->Drop(std::move(item), store::GapReason::kOverload);
    if (!dropped.ok()) self->NoteStorage(dropped.error(), breaks);
    self->Ended();
  }

  void Ended() {
    --waiting;
    NoteWaiting();
    NotifyIfDrained();
  }
  void NotifyIfDrained() {
    if (closed && waiting == 0 && !opening && on_drained) std::exchange(on_drained, nullptr)();
  }

  void NoteWaiting() {
    const std::lock_guard lock(view->mutex_);
    view->counters_.fragments_waiting = waiting + early.size();
  }
  void NoteStored(uint64_t breaks_then) {
    IngestMetrics::Get().fragments_stored.Add();
    const std::lock_guard lock(view->mutex_);
    ++view->counters_.fragments_stored;
    if (breaks_then != breaks) return;
    view->counters_.stored = true;
    view->counters_.storage_error.reset();
  }
  void NoteStorage(const Error& error, uint64_t breaks_then) {
    over = over || error.code() == ErrorCode::kClosed;
    bool news = breaks_then != breaks;
    if (!news) {
      const std::lock_guard lock(view->mutex_);
      news =
          !view->counters_.storage_error || view->counters_.storage_error->code() != error.code();
      view->counters_.storage_error = error;
    }
    if (news) {
      log::Write(log::kWarning, "fragment not stored",
                 {{"shard", shard ? shard->id().ToString() : "none"}, {"error", error.ToString()}});
    }
  }
  void CountDropped(DropReason reason) {
    IngestMetrics::Get().CountDropped(reason);
    const std::lock_guard lock(view->mutex_);
    ++view->counters_.fragments_dropped;
  }
};

Recorder::Recorder(OpenShard open_shard, NoteHole note_hole, fragmenter::CutPolicy policy,
                   PendingBytes& pending, Clock& clock, std::function<void()> on_drained)
    : view_(std::make_shared<View>()),
      pipeline_(std::make_shared<Pipeline>()),
      fragmenter_(policy, [pipeline = pipeline_.get()](
                              fragmenter::Fragment f) { pipeline->OnFragment(std::move(f)); }),
      clock_(clock),
      executor_(Executor::Current()) {
  CHECK(executor_ != nullptr);
  pipeline_->open_shard = std::move(open_shard);
  pipeline_->note_hole = std::move(note_hole);
  pipeline_->view = view_;
  pipeline_->pending = &pending;
  pipeline_->on_drained = std::move(on_drained);
  view_->since_ = clock_.SteadyNow();
  ScheduleTick();
}

Recorder::~Recorder() {
  executor_->StopTimer(tick_);
  fragmenter_.Break();
  // A slot without a fragment ends as abandoned here.
  pipeline_->slot = store::Slot();
  pipeline_->EndMedia(store::GapReason::kSourceRemoved);
  pipeline_->closed = true;
  pipeline_->NotifyIfDrained();
}

void Recorder::ScheduleTick() {
  tick_ = executor_->StartTimer(executor_->SteadyNow() + std::chrono::seconds(1), [this] {
    FollowServerClock();
    fragmenter_.Tick(clock_.Now());
    ScheduleTick();
  });
}

// Before anything that was received by the new clock.
void Recorder::FollowServerClock() {
  const std::chrono::milliseconds by = clock_watch_.Look(clock_);
  if (by.count() == 0) return;
  log::Write(log::kWarning, "server clock set", {{"ms", by.count()}});
  fragmenter_.ServerClockSet(by);
}

void Recorder::SetTrack(fragmenter::TrackConfig config) {
  {
    const std::lock_guard lock(view_->mutex_);
    View::Track& track = view_->tracks_[config.number];
    track.current = true;
    track.status.number = config.number;
    track.status.description = DescribeTrack(config);
    track.status.video = fragmenter::IsVideo(config.codec);
  }
  fragmenter_.SetTrack(std::move(config));
}

void Recorder::SenderReport(uint32_t track, int64_t pts, ProducerTime producer,
                            ServerTime received) {
  FollowServerClock();
  fragmenter_.SenderReport(track, pts, producer, received);
}

void Recorder::StartsAt(uint32_t track, int64_t pts) { fragmenter_.StartsAt(track, pts); }

void Recorder::Push(fragmenter::AccessUnit unit) {
  IngestMetrics::Get().received_bytes.Add(unit.data.size());
  NoteUnit(unit);
  if (!pipeline_->asked) pipeline_->AskForShard();
  FollowServerClock();
  const Status pushed = fragmenter_.Push(std::move(unit));
  if (!pushed.ok()) {
    IngestMetrics::Get().units_refused.Add();
    log::Write(log::kDebug, "access unit refused", {{"error", pushed.error().ToString()}});
  }
  if (fragmenter_.open() && pipeline_->shard && !pipeline_->slot.open()) pipeline_->TakeSlot();
}

void Recorder::PacketsLost(uint32_t track, uint64_t count) {
  IngestMetrics::Get().packets_lost.Add(count);
  pipeline_->lost = true;
  const std::lock_guard lock(view_->mutex_);
  view_->tracks_[track].status.packets_lost += count;
}

void Recorder::Break() {
  fragmenter_.Break();
  pipeline_->EndMedia(store::GapReason::kCameraLost);
  ++pipeline_->breaks;
  const std::lock_guard lock(view_->mutex_);
  view_->since_ = clock_.SteadyNow();
  view_->any_unit_ = false;
  view_->counters_.stored = false;
  view_->counters_.storage_error.reset();
  for (auto& [number, track] : view_->tracks_) {
    track.current = false;
    track.last_unit.reset();
    track.status.key_frames = 0;
  }
}

bool Recorder::over() const { return pipeline_->over; }

}  // namespace penstock::ingest
