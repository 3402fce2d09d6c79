// Units of several tracks, put in the order of their times.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "fragmenter/media.h"

namespace penstock::fragmenter {

// A unit on its way into a fragment.
struct TimedUnit {
  AccessUnit unit;      // pts and dts on the track's line
  int64_t time_us = 0;  // of its decode time, on the line that the tracks have in common
  ServerTime arrived;   // when it was received, by a clock that nobody sets
  std::shared_ptr<const TrackConfig> config;  // the one it has to be decoded with
};

// Merges the tracks by time, so that audio which belongs before a cut is there before the cut is
// made. A unit leaves once every track that is alive has something newer, or once it has waited for
// as long as a track may be late. Nothing waits for a track that is silent. Bounded by the time a
// unit may wait, and in bytes. All times are of a clock that nobody sets.
class Interleaver {
 public:
  // Announces a track; it is waited for until it has been silent for kAnnouncedMax.
  void AddTrack(uint32_t number, ServerTime now);
  void Push(TimedUnit unit);
  // The clock moved on without a unit.
  void Advance(ServerTime now);

  // The next unit if it may leave; with `all`, whatever is earliest.
  std::optional<TimedUnit> Next(bool all = false);

  // Whether as many bytes are held as ever may be: then nothing is waited for.
  bool Full() const;

  // Whether the track has sent something lately.
  bool Alive(uint32_t number) const;

  // A track that sends may be so late; one that is announced is waited for so long; one that has
  // stopped is silent after so long.
  static constexpr std::chrono::milliseconds kLateMax{400};
  static constexpr std::chrono::milliseconds kAnnouncedMax{1000};
  static constexpr std::chrono::milliseconds kSilentAfter{2000};

 private:
  struct Queue {
    uint32_t number = 0;
    bool seen = false;  // has ever sent
    ServerTime last;    // when it sent, or was announced
    std::deque<TimedUnit> units;
  };
  bool Waited(const Queue& head) const;

  std::vector<Queue> queues_;
  ServerTime now_;
  std::optional<ServerTime> last_push_;  // of any track
  size_t bytes_ = 0;
};

}  // namespace penstock::fragmenter
