#include "ingest/recorder.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"

namespace penstock::ingest {
namespace {

metrics::Counter& DroppedCounter(std::string_view reason) {
  return metrics::GetCounter("penstock_fragments_dropped_total",
                             "Fragments that were not stored, by reason",
                             fmt::format("reason=\"{}\"", reason));
}

uint32_t ItemFlagsOf(const fragmenter::FragmentFlags& flags) {
  uint32_t out = 0;
  if (flags.damaged) out |= store::kFlagDamaged;
  if (flags.no_keyframe) out |= store::kFlagNoKeyframe;
  if (flags.clock_jump) out |= store::kFlagClockJump;
  if (flags.producer_time_sane) out |= store::kFlagProducerTimeSane;
  return out;
}

int64_t SecondOf(SteadyTime t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

}  // namespace

bool PendingBytes::TryTake(size_t bytes) {
  const size_t before = used_.fetch_add(bytes, std::memory_order_relaxed);
  if (before + bytes <= limits::kPendingBytesMax) return true;
  Give(bytes);
  return false;
}

std::string DescribeTrack(const fragmenter::TrackConfig& config) {
  const std::string_view codec = fragmenter::CodecName(config.codec);
  if (fragmenter::IsVideo(config.codec))
    return fmt::format("{} {}x{}", codec, config.width, config.height);
  const std::string channels = config.channels == 1   ? "mono"
                               : config.channels == 2 ? "stereo"
                                                      : fmt::format("{} channels", config.channels);
  return fmt::format("{} {} Hz {}", codec, config.sample_rate, channels);
}

// What appends need after the recorder is gone.
struct Recorder::Pipeline : std::enable_shared_from_this<Recorder::Pipeline> {
  OpenShard open_shard;
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
    Result<std::shared_ptr<store::Shard>> opened = co_await self->open_shard();
    self->opening = false;
    if (opened.ok()) {
      self->shard = std::move(opened).value();
    } else {
      self->NoteStorage(opened.error(), self->breaks);
    }
    self->StoreEarly();
    self->NotifyIfDrained();
  }

  void HoldBack(fragmenter::Fragment fragment) {
    if (early.size() >= limits::kPendingFragmentsPerStreamMax ||
        !pending->TryTake(fragment.cluster.size())) {
      early_lost = true;
      CountDropped("overload");
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
        CountDropped("refused");
        early_lost = true;
      }
    }
    // They had no ordinal: viewers must be told of the hole by a discontinuity.
    if (std::exchange(early_lost, false)) run = 0;
    NoteWaiting();
  }

  void TakeSlot() {
    Result<store::Slot> opened = shard->OpenSlot();
    if (opened.ok()) {
      slot = std::move(opened).value();
    } else {
      NoteStorage(opened.error(), breaks);
    }
  }

  void OnFragment(fragmenter::Fragment fragment) {
    if (!shard) return HoldBack(std::move(fragment));
    if (!slot.open()) TakeSlot();
    if (!slot.open()) {
      // No number, so no ordinal: viewers must be told of the hole by a discontinuity.
      run = 0;
      CountDropped("refused");
      return;
    }
    const size_t bytes = fragment.cluster.size();
    store::NewItem item = MakeItem(std::move(fragment));
    const bool overload =
        waiting >= limits::kPendingFragmentsPerStreamMax || !pending->TryTake(bytes);
    ++waiting;
    NoteWaiting();
    Detach(overload ? RunDrop(shared_from_this(), std::move(item))
                    : RunAppend(shared_from_this(), std::move(item), bytes));
  }

  store::NewItem MakeItem(fragmenter::Fragment fragment) {
    if (fragment.tracks != tracks) {
      tracks = fragment.tracks;
      track_set = fragmenter::EncodeMkvHeader(*tracks);
      track_set_meta = fragmenter::EncodeTrackSet(*tracks);
    }
    if (fragment.starts_run) run = 0;
    store::NewItem item;
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

  static Task<void> RunAppend(std::shared_ptr<Pipeline> self, store::NewItem item, size_t bytes) {
    const store::RunId run_of_item = item.run != 0 ? item.run : item.slot.number().index;
    const uint64_t breaks = self->breaks;
    const Result<store::ItemHeader> stored = co_await self->shard->Append(std::move(item));
    self->pending->Give(bytes);
    if (stored.ok()) {
      self->NoteStored(breaks);
    } else {
      self->NoteStorage(stored.error(), breaks);
      self->CountDropped("refused");
      const ErrorCode code = stored.error().code();
      const bool live = code == ErrorCode::kFull || code == ErrorCode::kUnavailable;
      // What nobody sees is a gap: what follows does not continue its run, unless another has begun
      // already.
      if (!live && self->run == run_of_item) self->run = 0;
    }
    self->Ended();
  }

  static Task<void> RunDrop(std::shared_ptr<Pipeline> self, store::NewItem item) {
    self->CountDropped("overload");
    const uint64_t breaks = self->breaks;
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
    static metrics::Counter& stored =
        metrics::GetCounter("penstock_fragments_stored_total", "Fragments that became durable");
    stored.Add();
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
  void CountDropped(std::string_view reason) {
    DroppedCounter(reason).Add();
    const std::lock_guard lock(view->mutex_);
    ++view->counters_.fragments_dropped;
  }
};

Recorder::Recorder(OpenShard open_shard, fragmenter::CutPolicy policy, PendingBytes& pending,
                   Clock& clock, std::function<void()> on_drained)
    : view_(std::make_shared<View>()),
      pipeline_(std::make_shared<Pipeline>()),
      fragmenter_(policy, [pipeline = pipeline_.get()](
                              fragmenter::Fragment f) { pipeline->OnFragment(std::move(f)); }),
      clock_(clock),
      executor_(Executor::Current()) {
  CHECK(executor_ != nullptr);
  pipeline_->open_shard = std::move(open_shard);
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
  static metrics::Counter& bytes_in =
      metrics::GetCounter("penstock_media_received_bytes_total", "Bytes of access units");
  bytes_in.Add(unit.data.size());
  NoteUnit(unit);
  if (!pipeline_->asked) pipeline_->AskForShard();
  FollowServerClock();
  const Status pushed = fragmenter_.Push(std::move(unit));
  if (!pushed.ok()) {
    static metrics::Counter& refused = metrics::GetCounter("penstock_access_units_refused_total",
                                                           "Access units that could not be used");
    refused.Add();
    log::Write(log::kDebug, "access unit refused", {{"error", pushed.error().ToString()}});
  }
  if (fragmenter_.open() && pipeline_->shard && !pipeline_->slot.open()) pipeline_->TakeSlot();
}

void Recorder::NoteUnit(const fragmenter::AccessUnit& unit) {
  const size_t bytes = unit.data.size();
  const SteadyTime now = clock_.SteadyNow();
  const std::lock_guard lock(view_->mutex_);
  View::Track& track = view_->tracks_[unit.track];
  track.current = true;
  ++track.status.units;
  track.status.bytes += bytes;
  // Every unit of audio is one, and none says that pictures can be decoded.
  if (unit.key && track.status.video) ++track.status.key_frames;
  track.last_unit = now;
  if (!std::exchange(view_->any_unit_, true)) view_->since_ = now;
  for (const int64_t second = SecondOf(now); view_->second_ < second;) {
    view_->second_ = std::max(view_->second_ + 1, second - 10);
    view_->second_bytes_[static_cast<size_t>(view_->second_ % 11)] = 0;
  }
  view_->second_bytes_[static_cast<size_t>(view_->second_ % 11)] += bytes;
}

void Recorder::PacketsLost(uint32_t track, uint64_t count) {
  static metrics::Counter& lost =
      metrics::GetCounter("penstock_rtp_packets_lost_total", "RTP packets that never came");
  lost.Add(count);
  const std::lock_guard lock(view_->mutex_);
  view_->tracks_[track].status.packets_lost += count;
}

void Recorder::Break() {
  fragmenter_.Break();
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

RecorderCounters Recorder::View::Snapshot(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  RecorderCounters out = counters_;
  out.running = std::chrono::duration_cast<std::chrono::milliseconds>(now - since_);
  for (const auto& [number, track] : tracks_) {
    if (!track.current) continue;
    TrackStatus status = track.status;
    status.number = number;
    if (track.last_unit) {
      status.silent_ms =
          std::chrono::duration_cast<std::chrono::milliseconds>(now - *track.last_unit).count();
    }
    out.tracks.push_back(std::move(status));
  }
  uint64_t bytes = 0;
  const int64_t second = SecondOf(now);
  for (int64_t s = std::max<int64_t>(second - 10, 0); s < second; ++s) {
    // Seconds in which nothing came were never written and hold older values.
    if (s <= second_ && s > second_ - 11) bytes += second_bytes_[static_cast<size_t>(s % 11)];
  }
  out.bits_per_second = bytes * 8 / 10;
  return out;
}

}  // namespace penstock::ingest
