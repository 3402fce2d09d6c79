// Whether a playing camera really delivers, track by track.
#pragma once

#include <chrono>
#include <span>
#include <string>

#include "ingest/rtsp/track_receiver.h"

namespace penstock::ingest::rtsp {

// One track as the watchdog sees it.
struct TrackView {
  uint32_t number = 0;
  std::string name;  // "H.264"
  bool video = false;
  TrackProgress progress;
  std::string complaint;  // of the depayloader
};

struct Verdict {
  enum class Kind {
    kFine,
    kWaiting,    // something is missing; wait on
    kUdpSilent,  // not one packet over UDP
    kDead,       // end the connection and try again
  };
  Kind kind = Kind::kFine;
  std::string reason;  // for people: "no data on track 1 (H.264) for 10 s"
};

inline constexpr std::chrono::seconds kTrackSilence{10};
inline constexpr std::chrono::seconds kUdpSilence{5};
// Packets that make no access unit, most often because a key frame and its parameter sets are
// awaited. A key frame interval of some seconds is usual; "smart" codecs go to half a minute.
inline constexpr std::chrono::seconds kUnreadableNotice{5};
inline constexpr std::chrono::seconds kUnreadablePatience{60};

// Pure. Every video track must deliver: a camera that still sends sound but no picture is dead.
// Without video, every audio track must; beside video, silent audio is only said. Pictures without
// a key frame are none of its business: they are recorded, and the registry says how.
Verdict Judge(std::span<const TrackView> tracks, SteadyTime playing_since, SteadyTime now,
              bool udp);

}  // namespace penstock::ingest::rtsp
