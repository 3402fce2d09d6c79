// Access units in, fragments out: timelines, cutting, cluster writing. One per stream; pure
// computation on the caller's thread.
#pragma once

#include <functional>
#include <memory>

#include "base/limits.h"
#include "fragmenter/media.h"
#include "fragmenter/timeline/anomaly.h"

namespace penstock::fragmenter {

// When a fragment ends: before a key frame of the video track (audio-only: before any unit) once it
// has reached both minima; at either maximum even without one, and the next is then flagged
// no_keyframe. Maxima win. Bytes are those of the cluster; a single unit may be larger.
struct CutPolicy {
  std::chrono::milliseconds duration_min{1000};
  std::chrono::milliseconds duration_max{10'000};
  size_t bytes_min = 0;
  size_t bytes_max = limits::kFragmentBytesMax;
};

// kInvalidArgument names what is beyond limits.h (kFragmentDurationLeast, kFragmentDurationMost,
// kFragmentBytesMax) or a minimum that is more than its maximum.
Status CheckPolicy(const CutPolicy& policy);

class Fragmenter {
 public:
  using Sink = std::function<void(Fragment)>;

  // Requires CheckPolicy(policy).ok().
  Fragmenter(CutPolicy policy, Sink sink);
  ~Fragmenter();

  // Announces a track or changes its configuration. Equal content is no change. Another one for the
  // video track ends the fragment and starts a new run at its next access unit; one for a track
  // beside it, or a track that is new, is taken up by a new run at the next key frame. A silent
  // track is left out of track sets and not waited for longer than interleaver.h says. Refused
  // (logged; its units then are too): number 0 or above 126, no clock rate, beyond
  // limits::kTracksMax.
  void SetTrack(TrackConfig config);

  // A sender report: at this RTP time of this track (ticks, unwrapped) the producer's clock stood
  // at `producer`.
  void SenderReport(uint32_t track, int64_t pts, ProducerTime producer, ServerTime received);

  // What plays since the last Break (or the beginning) starts at this RTP time of this track: the
  // same instant on every track that this is said of. Puts these beside each other, instead of by
  // arrival, until sender reports tell better.
  void StartsAt(uint32_t track, int64_t pts);

  // kTooLarge for one that breaks limits::kAccessUnitBytesMax, kInvalidArgument for an unknown
  // track; the unit is then dropped.
  Status Push(AccessUnit unit);

  // A fragment has begun and is not finished.
  bool open() const;

  // The source paused, reconnected or ended: finish the open fragment (if it has any frame); what
  // comes later starts a new run.
  void Break();

  // The server's wall clock was set, forward or back: what came before counts as received by the
  // new clock, so that nothing waits, is silent or ends because of it. Call before anything is
  // pushed that was received by the new clock.
  void ServerClockSet(std::chrono::milliseconds by);

  // What has been wrong with clocks so far. All of it is in metrics, too.
  const ClockAnomalyCounts& clock_anomalies() const;

  // Time passes without data; cuts a fragment that has been open for longer than the maximum. Call
  // about once a second.
  void Tick(ServerTime now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::fragmenter
