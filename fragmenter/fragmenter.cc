#include "fragmenter/fragmenter.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "fragmenter/cutter.h"
#include "fragmenter/fragment_builder.h"
#include "fragmenter/interleaver.h"
#include "fragmenter/run.h"
#include "fragmenter/timeline/ticks.h"
#include "fragmenter/track_feed.h"

namespace penstock::fragmenter {
namespace {

using std::chrono::milliseconds;

// From the first unit of a source until its first run: tracks become known with their first unit,
// and a run that starts without one of them would have to be followed by another. Costs nothing
// later, for no fragment is shorter.
constexpr milliseconds kGather{500};

// Time stamps in this range can be added up without overflow, and no clock has ever reached its
// end.
bool IsPlausible(int64_t ticks) { return ticks > -(int64_t{1} << 58) && ticks < int64_t{1} << 58; }

}  // namespace

struct Fragmenter::Impl {
  Impl(CutPolicy policy_in, Sink sink_in) : policy(policy_in), sink(std::move(sink_in)) {
    CHECK(CheckPolicy(policy).ok());
  }

  TrackFeed* Find(uint32_t track) {
    const auto found = feeds.find(track);
    return found == feeds.end() ? nullptr : found->second.get();
  }

  // The first video track that sends, else nothing.
  TrackFeed* LiveVideo() {
    for (const auto& [number, feed] : feeds) {
      if (feed->video() && interleaver.Alive(number)) return feed.get();
    }
    return nullptr;
  }

  // On a clock that nobody sets: the server's without its steps.
  ServerTime Arrived(ServerTime received) const { return received - server_steps; }

  void ToInterleaver(TrackFeed& feed, std::vector<AccessUnit>& units) {
    for (AccessUnit& unit : units) {
      TimedUnit timed;
      timed.time_us = feed.CommonUs(*unit.dts);
      timed.arrived = Arrived(unit.received);
      timed.config = feed.config();
      timed.unit = std::move(unit);
      interleaver.Push(std::move(timed));
    }
    units.clear();
  }

  // Everything that is held leaves, in order.
  void Drain() {
    for (const auto& [number, feed] : feeds) {
      feed->Flush(scratch);
      ToInterleaver(*feed, scratch);
    }
    while (std::optional<TimedUnit> next = interleaver.Next(true)) Place(std::move(*next));
    FinishFragment();
    EndRun();
  }

  // Whether every track has had the time to become known. A wall clock that is set back meanwhile
  // holds nothing until it has caught up: the wait begins anew.
  bool Gathered() {
    if (gathered || !first_arrived) return gathered;
    first_arrived = std::min(*first_arrived, now);
    gathered = now - *first_arrived >= kGather || interleaver.Full();
    return gathered;
  }

  void Release() {
    if (!Gathered()) return;
    while (std::optional<TimedUnit> next = interleaver.Next()) Place(std::move(*next));
  }

  void EndRun() {
    run.reset();
    waiting_since_us.reset();
  }

  // The tracks a run that starts with this unit would have.
  TrackSet SetFor(const TimedUnit& first) {
    TrackSet set;
    for (const auto& [number, feed] : feeds) {
      if (number == first.unit.track) {
        set.tracks.push_back(*first.config);
      } else if (interleaver.Alive(number)) {
        set.tracks.push_back(*feed->config());
      }
    }
    return set;
  }

  // Whether this is a unit of the track whose units start runs.
  bool Leads(const TimedUnit& next) {
    const TrackFeed* const video = LiveVideo();
    if (video != nullptr) return next.unit.track == video->number();
    return !IsVideo(next.config->codec) &&
           (!run || run->has_video() || run->lead() == next.unit.track);
  }

  // Nothing shows a picture for so long.
  bool IsHole(const TimedUnit& next) const {
    return run->lead() == next.unit.track &&
           next.time_us - last_lead_us > policy.duration_max.count() * 1000 + kMicrosPerSecond;
  }

  bool MustRestart(const TimedUnit& next) {
    if (!Leads(next)) return false;
    const bool reconfigured = run->lead() == next.unit.track && !run->Has(next);
    return IsHole(next) || reconfigured || (next.unit.key && !(SetFor(next) == *run->tracks()));
  }

  // A run starts at a key frame; where none comes for as long as a fragment may last, without one.
  bool MayStart(const TimedUnit& next) {
    if (!Leads(next)) return false;
    if (next.unit.key || restart_at_any) return true;
    if (!waiting_since_us) waiting_since_us = next.time_us;
    return next.time_us - *waiting_since_us >= policy.duration_max.count() * 1000;
  }

  void Restart(const TimedUnit& next) {
    if (builder && run->lead() == next.unit.track && !IsHole(next)) {
      builder->EndTrack(run->lead(), run->LeadTicks(*next.unit.dts));
    }
    // A new decoder configuration in the middle of a group: what follows can only be read with it.
    restart_at_any = run->lead() == next.unit.track && !run->Has(next);
    FinishFragment();
    EndRun();
  }

  void Place(TimedUnit next) {
    TrackFeed* const feed = Find(next.unit.track);
    if (run && MustRestart(next)) Restart(next);
    if (!run) {
      if (!MayStart(next)) return;
      restart_at_any = false;
      waiting_since_us.reset();
      run.emplace(std::make_shared<const TrackSet>(SetFor(next)), *feed, next);
      run_is_new = true;
    }
    // A track that came, or changed, later waits for the next run.
    if (!run->Has(next)) return;
    if (run->lead() == next.unit.track) last_lead_us = next.time_us;

    if (builder && EndsBeforeThis(next)) {
      if (run->lead() == next.unit.track) {
        builder->EndTrack(run->lead(), run->LeadTicks(*next.unit.dts));
      }
      FinishFragment();
    }
    Add(next, *feed);
  }

  bool EndsBeforeThis(const TimedUnit& next) const {
    OpenFragment open;
    open.start_us = builder->start().relative_us;
    open.bytes = builder->size();
    open.has_video = run->has_video();
    NextUnit unit;
    unit.time_us = run->RelativeUs(next);
    unit.bytes = next.unit.data.size();
    unit.video = next.unit.track == run->lead() && run->has_video();
    unit.key = next.unit.key;
    return EndsBefore(policy, open, unit);
  }

  void Add(const TimedUnit& next, TrackFeed& feed) {
    const bool opens = !builder || !builder->HasTrack(feed.number());
    const std::optional<Run::Place> place = run->Put(next, feed, *Find(run->lead()), opens);
    if (!place) return;
    const int64_t pts_us = TicksToUs(place->dts + place->cts_offset, feed.clock_rate());
    if (builder && !builder->Reaches(pts_us)) FinishFragment();
    if (!builder) OpenBuilder(next, feed, pts_us);
    builder->Add(next.unit, *place, pts_us);
  }

  void OpenBuilder(const TimedUnit& first, const TrackFeed& feed, int64_t pts_us) {
    FragmentBuilder::Start start;
    start.tracks = run->tracks();
    start.lead = run->lead();
    start.starts_run = std::exchange(run_is_new, false);
    start.first_pts_us = pts_us;
    start.relative_us = run->RelativeUs(first);
    start.producer_time = ProducerTimeFromUs(feed.producer().MapUs(first.unit.pts));
    start.producer_time_sane = feed.producer().from_reports();
    start.starts_with_key = !run->has_video() || (feed.video() && first.unit.key);
    start.received = first.unit.received;
    opened = first.arrived;
    builder.emplace(std::move(start));
    if (pending_jump_us) builder->NoteJump(*std::exchange(pending_jump_us, std::nullopt));
  }

  void NoteJump(int64_t raw_us) {
    if (builder) {
      builder->NoteJump(raw_us);
    } else if (!pending_jump_us) {
      pending_jump_us = raw_us;
    }
  }

  void FinishFragment() {
    if (!builder) return;
    Fragment fragment = std::move(*builder).Finish();
    builder.reset();
    sink(std::move(fragment));
  }

  // The track beside whose line the others are laid.
  TrackFeed* Lead() { return run ? Find(run->lead()) : LiveVideo(); }

  void Report(TrackFeed& feed, int64_t pts, ProducerTime producer, ServerTime received) {
    feed.Report(pts, producer, received, Arrived(received), events);
    NoteEvents();
    SynchroniseByReports();
  }

  // The lead's line is the reference; the other tracks are laid beside it, by the reports of both.
  void SynchroniseByReports() {
    TrackFeed* const lead = Lead();
    if (lead == nullptr) return;
    for (const auto& [number, other] : feeds) other->SynchroniseByReports(*lead);
  }

  void NoteEvents() {
    for (const ClockEvent& event : events) {
      if (!event.continued) Count(event.what);
      if (event.raw_us) NoteJump(*event.raw_us);
    }
    events.clear();
  }
  void Count(ClockAnomaly anomaly) {
    ++anomalies[static_cast<size_t>(anomaly)];
    CountClockAnomaly(anomaly);
  }

  // What has begun last is laid beside the others, since nothing of it is placed yet; only a lead
  // that plays stays where it is, for it is the reference.
  void AlignStart(TrackFeed& feed) {
    const bool leads = run && run->lead() == feed.number();
    for (const auto& [number, other] : feeds) {
      if (leads) {
        other->AlignStart(feed);
      } else {
        feed.AlignStart(*other);
      }
    }
  }

  struct PendingReport {
    int64_t pts = 0;
    ProducerTime producer;
    ServerTime received;
  };

  const CutPolicy policy;
  const Sink sink;
  std::map<uint32_t, std::unique_ptr<TrackFeed>> feeds;
  std::map<uint32_t, PendingReport>
      early_reports;                         // of tracks not announced yet; at most kTracksMax
  std::map<uint32_t, int64_t> early_starts;  // likewise
  Interleaver interleaver;
  std::optional<Run> run;
  std::optional<FragmentBuilder> builder;
  bool run_is_new = false;
  bool restart_at_any = false;
  int64_t last_lead_us = 0;
  std::optional<int64_t> waiting_since_us;
  std::optional<int64_t> pending_jump_us;

  // Arrived(t) == t - server_steps, for every time here.
  std::chrono::milliseconds server_steps{0};
  ServerTime now;
  std::optional<ServerTime> first_arrived;
  ServerTime last_arrived;
  ServerTime opened;  // the open fragment's first unit
  bool gathered = false;
  std::vector<ClockEvent> events;
  ClockAnomalyCounts anomalies{};
  std::vector<AccessUnit> scratch;
};

Fragmenter::Fragmenter(CutPolicy policy, Sink sink)
    : impl_(std::make_unique<Impl>(policy, std::move(sink))) {}
Fragmenter::~Fragmenter() = default;

void Fragmenter::SetTrack(TrackConfig config) {
  Impl& impl = *impl_;
  const uint32_t number = config.number;
  TrackFeed* const known = impl.Find(number);
  const bool possible = number > 0 && number < 127 && config.clock_rate > 0 &&
                        config.codec_private.size() <= limits::kCodecPrivateBytesMax &&
                        (known != nullptr || impl.feeds.size() < limits::kTracksMax);
  if (!possible) {
    log::Write(log::kWarning, "track refused",
               {{"number", number}, {"bytes", config.codec_private.size()}});
    return;
  }
  if (known != nullptr) {
    if (*known->config() == config) return;
    // What is held was made for the old configuration.
    known->Flush(impl.scratch);
    impl.ToInterleaver(*known, impl.scratch);
    known->Reconfigure(std::move(config));
    return;
  }
  TrackFeed& feed = *(impl.feeds[number] = std::make_unique<TrackFeed>(std::move(config)));
  impl.interleaver.AddTrack(number, impl.now);
  const auto early = impl.early_reports.extract(number);
  if (!early.empty())
    impl.Report(feed, early.mapped().pts, early.mapped().producer, early.mapped().received);
  const auto start = impl.early_starts.extract(number);
  if (!start.empty()) feed.SetStart(start.mapped());
}

void Fragmenter::SenderReport(uint32_t track, int64_t pts, ProducerTime producer,
                              ServerTime received) {
  TrackFeed* const feed = impl_->Find(track);
  if (!IsPlausible(pts)) return;
  if (feed != nullptr) {
    impl_->Report(*feed, pts, producer, received);
  } else if (impl_->early_reports.size() < limits::kTracksMax ||
             impl_->early_reports.contains(track)) {
    impl_->early_reports[track] = {pts, producer, received};
  }
}

void Fragmenter::StartsAt(uint32_t track, int64_t pts) {
  if (!IsPlausible(pts)) return;
  TrackFeed* const feed = impl_->Find(track);
  if (feed != nullptr) {
    feed->SetStart(pts);
    impl_->AlignStart(*feed);
  } else if (impl_->early_starts.size() < limits::kTracksMax ||
             impl_->early_starts.contains(track)) {
    impl_->early_starts[track] = pts;
  }
}

Status Fragmenter::Push(AccessUnit unit) {
  Impl& impl = *impl_;
  TrackFeed* const feed = impl.Find(unit.track);
  if (feed == nullptr)
    return Error(ErrorCode::kInvalidArgument,
                 "access unit of an unknown track " + std::to_string(unit.track));
  if (unit.data.size() > limits::kAccessUnitBytesMax) {
    return Error(ErrorCode::kTooLarge,
                 "access unit of " + std::to_string(unit.data.size()) + " bytes");
  }
  if (unit.data.empty()) return Error(ErrorCode::kInvalidArgument, "access unit without bytes");
  if (!IsPlausible(unit.pts) || !IsPlausible(unit.dts.value_or(0)))
    return Error(ErrorCode::kInvalidArgument, "impossible time stamp");
  if (!feed->video()) unit.key = true;
  const ServerTime arrived = impl.Arrived(unit.received);
  impl.now = arrived;
  impl.last_arrived = arrived;
  if (!impl.first_arrived) impl.first_arrived = arrived;
  const bool begins = !feed->placed();
  feed->Push(std::move(unit), arrived, impl.scratch, impl.events);
  if (begins) {
    impl.AlignStart(*feed);
    // Reports may have come before it.
    impl.SynchroniseByReports();
  }
  impl.NoteEvents();
  if (const TrackFeed* const lead = impl.Lead(); lead != nullptr) feed->SynchroniseByArrival(*lead);
  impl.ToInterleaver(*feed, impl.scratch);
  // Only now is a picture one that others may be laid beside.
  if (begins) impl.SynchroniseByReports();
  impl.Release();
  return {};
}

bool Fragmenter::open() const { return impl_->builder.has_value(); }

void Fragmenter::Break() {
  Impl& impl = *impl_;
  impl.Drain();
  impl.interleaver = Interleaver();
  for (const auto& [number, feed] : impl.feeds) {
    feed->Reset();
    impl.interleaver.AddTrack(number, impl.now);
  }
  impl.early_reports.clear();
  impl.early_starts.clear();
  impl.pending_jump_us.reset();
  impl.first_arrived.reset();
  impl.gathered = false;
}

void Fragmenter::ServerClockSet(std::chrono::milliseconds by) {
  impl_->server_steps += by;
  impl_->Count(ClockAnomaly::kServerClockSet);
}

const ClockAnomalyCounts& Fragmenter::clock_anomalies() const { return impl_->anomalies; }

void Fragmenter::Tick(ServerTime wall) {
  Impl& impl = *impl_;
  const ServerTime now = impl.Arrived(wall);
  impl.now = now;
  impl.last_arrived = std::min(impl.last_arrived, now);
  impl.interleaver.Advance(now);
  impl.Release();
  if (!impl.builder) return;
  const bool silent = now - impl.last_arrived > Interleaver::kSilentAfter;
  const std::chrono::milliseconds age = now - impl.opened;
  // It began later than now if the clock was set back: how old it is nobody knows.
  if (silent && (age > impl.policy.duration_max || age < std::chrono::milliseconds(0)))
    impl.Drain();
}

}  // namespace penstock::fragmenter
