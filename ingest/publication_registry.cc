#include "ingest/publication_registry.h"

#include <limits>

#include <fmt/format.h>

#include "base/log.h"
#include "ingest/metrics.h"
#include "store/media_before.h"

namespace penstock::ingest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Longer than any sane key frame interval of a camera that has just been asked to play.
constexpr seconds kPatience{5};

constexpr uint64_t kEveryOrdinal = std::numeric_limits<uint64_t>::max();

bool Silent(const TrackStatus& track, milliseconds running) {
  return track.silent_ms < 0 ? running > kPatience : milliseconds(track.silent_ms) > kPatience;
}

std::string_view StorageTrouble(ErrorCode code) {
  switch (code) {
    case ErrorCode::kFull:
      return "disk full";
    case ErrorCode::kThrottled:
      return "disk too slow";
    default:
      return "not stored";
  }
}

int64_t WholeSeconds(milliseconds t) { return std::chrono::duration_cast<seconds>(t).count(); }

std::string SilentWords(const TrackStatus& track, milliseconds running) {
  const milliseconds silent = track.silent_ms < 0 ? running : milliseconds(track.silent_ms);
  return fmt::format("no data on track {} ({}) for {} s", track.number, track.description,
                     WholeSeconds(silent));
}

}  // namespace

std::string_view SourceStateName(SourceState state) {
  switch (state) {
    case SourceState::kIdle:
      return "idle";
    case SourceState::kConnecting:
      return "connecting";
    case SourceState::kRecording:
      return "recording";
    case SourceState::kWaiting:
      return "waiting";
    case SourceState::kFailed:
      return "failed";
    case SourceState::kRefused:
      return "refused";
  }
  return "idle";
}

SourceStatus JudgeRecording(const RecorderCounters& counters) {
  const milliseconds running = counters.running;
  if (counters.storage_error) {
    const Error& error = *counters.storage_error;
    return {.state = SourceState::kWaiting,
            .reason = fmt::format("{}: {}", StorageTrouble(error.code()), error.message())};
  }
  std::string silent;
  size_t flowing = 0;
  bool keyless = false;
  for (const TrackStatus& track : counters.tracks) {
    if (!Silent(track, running)) {
      if (track.silent_ms < 0) continue;
      ++flowing;
      keyless = keyless || (track.video && track.key_frames == 0);
      continue;
    }
    if (!silent.empty()) silent += "; ";
    silent += SilentWords(track, running);
  }
  if (counters.stored && flowing > 0) {
    if (!keyless) return {.state = SourceState::kRecording, .reason = silent};
    const std::string words =
        fmt::format("no key frame for {} s: recorded without, not playable from any point",
                    WholeSeconds(running));
    return {.state = SourceState::kRecording,
            .reason = silent.empty() ? words : words + "; " + silent};
  }
  if (!silent.empty()) return {.state = SourceState::kWaiting, .reason = silent};
  if (flowing == 0) {
    return {.state = SourceState::kWaiting,
            .reason = fmt::format("connected, no media for {} s", WholeSeconds(running))};
  }
  if (keyless) {
    return {.state = SourceState::kWaiting,
            .reason = fmt::format("no key frame for {} s", WholeSeconds(running))};
  }
  return {.state = SourceState::kWaiting, .reason = "collecting the first fragment"};
}

SourceStatus CombineStatus(const SourceStatus& reported, const SourceStatus& judged,
                           bool storage_trouble) {
  switch (reported.state) {
    case SourceState::kConnecting:
    case SourceState::kFailed:
    case SourceState::kRefused:
      return reported;
    case SourceState::kWaiting:
      return storage_trouble || reported.reason.empty() ? judged : reported;
    case SourceState::kIdle:
      return judged;
    case SourceState::kRecording:
      break;
  }
  SourceStatus both = judged;
  if (judged.state != SourceState::kRecording || reported.reason.empty()) return both;
  both.reason = judged.reason.empty() ? reported.reason : reported.reason + "; " + judged.reason;
  return both;
}

// A recorder that tells the registry when it has ended.
class PublicationRegistry::Sink final : public MediaSink {
 public:
  Sink(PublicationRegistry& registry, const StreamName& stream)
      : recorder_(
            [&registry, stream] { return registry.FindOrCreate(stream); },
            [&registry, stream](const ShardId& shard, uint64_t after, store::GapReason reason) {
              registry.holes_.Note(stream, shard, after, reason);
            },
            registry.options().cut, registry.pending_, registry.clock_,
            [&registry, stream] { registry.Ended(stream); }) {}

  void SetTrack(fragmenter::TrackConfig config) override { recorder_.SetTrack(std::move(config)); }
  void SenderReport(uint32_t track, int64_t pts, ProducerTime producer,
                    ServerTime received) override {
    recorder_.SenderReport(track, pts, producer, received);
  }
  void StartsAt(uint32_t track, int64_t pts) override { recorder_.StartsAt(track, pts); }
  void Push(fragmenter::AccessUnit unit) override { recorder_.Push(std::move(unit)); }
  void PacketsLost(uint32_t track, uint64_t count) override { recorder_.PacketsLost(track, count); }
  void Break() override { recorder_.Break(); }
  bool over() const override { return recorder_.over(); }

  std::shared_ptr<const Recorder::View> view() const { return recorder_.view(); }

 private:
  Recorder recorder_;
};

PublicationRegistry::PublicationRegistry(store::Store& store, Clock& clock,
                                         RecordingOptions options)
    : store_(store), clock_(clock), holes_(store.catalog()), options_(options) {
  IngestMetrics::Get();
}

PublicationRegistry::~PublicationRegistry() { CHECK(active_ == 0); }

void PublicationRegistry::SetOptions(RecordingOptions options) {
  const std::lock_guard lock(mutex_);
  options_ = options;
}

RecordingOptions PublicationRegistry::options() const {
  const std::lock_guard lock(mutex_);
  return options_;
}

Status PublicationRegistry::Claim(const StreamName& stream, const std::string& source,
                                  std::shared_ptr<const PublicationView> view) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[stream];
  if (entry.active) {
    return Error(ErrorCode::kAlreadyExists,
                 fmt::format("stream {} is being published by {}", stream.text(), entry.from));
  }
  entry.active = true;
  if (entry.kind == "push") entry.from = source;
  entry.since = clock_.Now();
  entry.view = std::move(view);
  ++active_;
  IngestMetrics::Get().publications.Set(static_cast<int64_t>(active_));
  return {};
}

Task<Result<std::unique_ptr<MediaSink>>> PublicationRegistry::Begin(StreamName stream,
                                                                    std::string source) {
  PS_CO_TRY_VOID(CheckNewStream(stream));
  PS_CO_TRY_VOID(Claim(stream, source, nullptr));
  auto sink = std::make_unique<Sink>(*this, stream);
  {
    const std::lock_guard lock(mutex_);
    entries_[stream].view = sink->view();
  }
  log::Write(log::kInfo, "publication began", {{"stream", stream.text()}, {"source", source}});
  std::unique_ptr<MediaSink> out = std::move(sink);
  co_return std::move(out);
}

Status PublicationRegistry::CheckNewStream(const StreamName& stream) const {
  if (store_.GetStream(stream)) return Status();
  if (stream.text() == "." || stream.text() == "..") {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("no URL could name a stream {}", stream.text()));
  }
  const store::Store::Stats stats = store_.GetStats();
  if (stats.read_only)
    return Error(ErrorCode::kFenced, "the store is read-only after a failed sync");
  if (stats.full) return Error(ErrorCode::kFull, "the disk is too full for another stream");
  return Status();
}

Task<Result<OpenedShard>> PublicationRegistry::FindOrCreate(StreamName stream) {
  std::optional<store::StreamInfo> info = store_.GetStream(stream);
  if (!info) {
    Result<store::StreamInfo> created =
        co_await store_.CreateStream(stream, options().retention_hours);
    if (created.ok()) {
      info = std::move(created).value();
    } else if (created.error().code() == ErrorCode::kAlreadyExists) {
      // Somebody created it in the meantime: as good.
      info = store_.GetStream(stream);
    } else {
      co_return std::move(created).error().With(fmt::format("stream {}", stream.text()));
    }
  }
  std::shared_ptr<store::Shard> shard = info ? store_.OpenShard(info->shard) : nullptr;
  if (!shard) {
    co_return Error(ErrorCode::kUnavailable,
                    fmt::format("stream {} was deleted meanwhile", stream.text()));
  }
  OpenedShard opened;
  opened.shard = shard;
  opened.before = co_await FindMediaEnd(stream, shard);
  co_return std::move(opened);
}

Task<std::optional<MediaEnd>> PublicationRegistry::FindMediaEnd(
    StreamName stream, std::shared_ptr<store::Shard> shard) {
  const auto newest = co_await store::MediaBefore(shard, kEveryOrdinal);
  if (!newest.ok()) {
    // What comes is recorded all the same, without a word on what came before.
    log::Write(log::kWarning, "newest media not found",
               {{"stream", stream.text()}, {"error", newest.error().ToString()}});
    co_return std::nullopt;
  }
  if (!*newest) co_return std::nullopt;
  const store::ItemHeader& last = **newest;
  MediaEnd end;
  end.ordinal = last.ordinal;
  end.time = last.server_time + std::chrono::duration_cast<milliseconds>(last.duration);
  end.reason = holes_.ReasonAfter(stream, shard->id(), last.ordinal);
  co_return end;
}

store::GapReason PublicationRegistry::WhyNothing(const StreamName& stream, const ShardId& shard,
                                                 uint64_t last) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(stream);
    const bool active = found != entries_.end() && found->second.active && found->second.view;
    const auto missing = active ? found->second.view->Snapshot(clock_.SteadyNow()).missing
                                : std::optional<store::GapReason>();
    if (missing) return *missing;
  }
  return holes_.ReasonAfter(stream, shard, last);
}

void PublicationRegistry::Ended(const StreamName& stream) {
  std::optional<Oneshot<Unit>> drained;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[stream];
    CHECK(entry.active);
    entry.active = false;
    entry.since = clock_.Now();
    if (entry.kind == "push") {
      entry.reported = {.state = SourceState::kIdle,
                        .reason = fmt::format("{} has ended", entry.from)};
    }
    // Who sent nothing leaves nothing: names are free to make up.
    const bool sent_nothing = entry.kind == "push" && !store_.GetStream(stream);
    if (entry.forgotten || sent_nothing) entries_.erase(stream);
    --active_;
    IngestMetrics::Get().publications.Set(static_cast<int64_t>(active_));
    if (active_ == 0) drained = std::exchange(drained_, std::nullopt);
  }
  log::Write(log::kInfo, "publication ended", {{"stream", stream.text()}});
  if (drained) drained->Set(Unit());
}

void PublicationRegistry::Report(const StreamName& stream, SourceStatus status) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[stream];
  if (entry.reported.state != status.state) entry.since = clock_.Now();
  entry.reported = std::move(status);
}

void PublicationRegistry::Expect(const StreamName& stream, std::string from) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[stream];
  entry.kind = "pull";
  entry.forgotten = false;
  entry.from = std::move(from);
  entry.since = clock_.Now();
}

void PublicationRegistry::Forget(const StreamName& stream) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(stream);
  if (found == entries_.end()) return;
  if (found->second.active) {
    found->second.forgotten = true;
  } else {
    entries_.erase(found);
  }
}

PublicationStatus PublicationRegistry::Describe(const StreamName& stream,
                                                const Entry& entry) const {
  PublicationStatus out{.stream = stream,
                        .kind = entry.kind,
                        .from = entry.from,
                        .status = entry.reported,
                        .since = entry.since,
                        .tracks = {}};
  if (!entry.view) return out;
  const SteadyTime now = clock_.SteadyNow();
  RecorderCounters counters = entry.view->Snapshot(now);
  out.fragments_stored = counters.fragments_stored;
  out.fragments_dropped = counters.fragments_dropped;
  out.fragments_waiting = counters.fragments_waiting;
  if (entry.active) {
    const SourceStatus judged = JudgeRecording(counters);
    out.status = CombineStatus(entry.reported, judged, counters.storage_error.has_value());
    out.bits_per_second = counters.bits_per_second;
    out.tracks = std::move(counters.tracks);
  }
  return out;
}

std::vector<PublicationStatus> PublicationRegistry::GetStatus() const {
  const std::lock_guard lock(mutex_);
  std::vector<PublicationStatus> out;
  out.reserve(entries_.size());
  for (const auto& [stream, entry] : entries_) {
    // Somebody published it once, and then it was deleted.
    const bool ghost = entry.kind == "push" && !entry.active && !store_.GetStream(stream);
    if (!ghost) out.push_back(Describe(stream, entry));
  }
  return out;
}

Task<void> PublicationRegistry::Drain() {
  for (;;) {
    Oneshot<Unit> drained;
    {
      const std::lock_guard lock(mutex_);
      if (active_ == 0) break;
      CHECK(!drained_.has_value());
      drained_ = drained;
    }
    co_await drained;
  }
  co_await holes_.Drain();
}

size_t PublicationRegistry::active() const {
  const std::lock_guard lock(mutex_);
  return active_;
}

}  // namespace penstock::ingest
