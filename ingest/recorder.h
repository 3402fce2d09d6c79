// From access units to durable fragments: one stream's publication.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "fragmenter/fragmenter.h"
#include "ingest/media_sink.h"
#include "ingest/publication_view.h"
#include "ingest/server_clock_watch.h"
#include "store/shard.h"

namespace penstock::ingest {

// Bytes of fragments that wait for the log, over all streams; the bound is
// limits::kPendingBytesMax. Thread-safe.
class PendingBytes {
 public:
  bool TryTake(size_t bytes);
  void Give(size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  std::atomic<size_t> used_{0};
};

// Where media of a stream ends that others have recorded, and why it does.
struct MediaEnd {
  uint64_t ordinal = 0;
  ServerTime time;
  store::GapReason reason = store::GapReason::kNone;
};
struct OpenedShard {
  std::shared_ptr<store::Shard> shard;
  std::optional<MediaEnd> before;  // of a stream that has media
};
// Finds the shard to append to, or makes its stream. Called on the recorder's loop and completes
// there.
using OpenShard = std::function<Task<Result<OpenedShard>>()>;
// The media of a shard ends with the item `after`, until something says otherwise.
using NoteHole = std::function<void(const ShardId& shard, uint64_t after, store::GapReason reason)>;

// Feeds the fragmenter and appends what it cuts. Lives on its session's loop; Snapshot may be
// called from anywhere. Fragments that wait for the log keep what they need alive after the
// recorder is gone; `on_drained` runs (on the loop) when the last of them has ended.
//
// The shard is asked for when the first access unit has come, so that who announces media and sends
// none leaves no stream. What is cut until it is there waits, as what waits for the log does; if
// there is none, that is said, and the next fragment asks again.
//
// When the log falls behind, whole fragments are dropped from storage and leave a gap with the
// reason `overload`: live never waits for the disk. A slot is taken when a fragment begins, so that
// its number carries the time of its first byte.
//
// A fragment that does not follow the one before carries the reason: the one with which the hole
// began. Of a hole that begins with the source, not with the store, `note_hole` is told at once.
class Recorder final : public MediaSink {
 public:
  Recorder(OpenShard open_shard, NoteHole note_hole, fragmenter::CutPolicy policy,
           PendingBytes& pending, Clock& clock, std::function<void()> on_drained);
  ~Recorder() override;

  void SetTrack(fragmenter::TrackConfig config) override;
  void SenderReport(uint32_t track, int64_t pts, ProducerTime producer,
                    ServerTime received) override;
  void StartsAt(uint32_t track, int64_t pts) override;
  void Push(fragmenter::AccessUnit unit) override;
  void PacketsLost(uint32_t track, uint64_t count) override;
  void Break() override;
  bool over() const override;

  // Thread-safe; may outlive the recorder.
  class View final : public PublicationView {
   public:
    RecorderCounters Snapshot(SteadyTime now) const override;

   private:
    friend class Recorder;
    struct Track {
      TrackStatus status;
      std::optional<SteadyTime> last_unit;
      bool current = false;  // announced, or has sent, since the last Break
    };
    mutable std::mutex mutex_;
    std::map<uint32_t, Track> tracks_;
    RecorderCounters counters_;
    SteadyTime since_;       // of counters_.running
    bool any_unit_ = false;  // since the last Break
    // Bytes of the second under way and of the ten before it.
    std::array<uint64_t, 11> second_bytes_{};
    int64_t second_ = 0;
  };
  std::shared_ptr<const View> view() const { return view_; }

 private:
  struct Pipeline;
  void ScheduleTick();
  void FollowServerClock();
  void NoteUnit(const fragmenter::AccessUnit& unit);

  std::shared_ptr<View> view_;
  std::shared_ptr<Pipeline> pipeline_;
  fragmenter::Fragmenter fragmenter_;
  Clock& clock_;
  ServerClockWatch clock_watch_;
  Executor* executor_;
  Executor::TimerId tick_ = 0;
};

// "H.264 1280x720", "AAC 48000 Hz stereo"
std::string DescribeTrack(const fragmenter::TrackConfig& config);

}  // namespace penstock::ingest
