// A camera as a handful of functions of true time, each of which may be wrong.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "fragmenter/fragmenter.h"

namespace penstock::time_corpus {

// True time and what clocks show, in microseconds since the recording began.
using Us = int64_t;
inline constexpr Us kMs = 1000;
inline constexpr Us kSec = 1'000'000;
inline constexpr Us kMinute = 60 * kSec;
inline constexpr Us kHour = 60 * kMinute;

// The server's wall clock when the recording began.
inline constexpr int64_t kStartMs = 1'700'000'000'000;

using ClockOf = std::function<Us(Us)>;
using MaybeClockOf = std::function<std::optional<Us>(Us)>;
inline Us Honest(Us t) { return t; }

// 25 pictures a second with a key frame each two seconds, AAC of 48 kHz, a sender report of each
// track every 5 s. RTP time stamps have 32 bits and begin where they like.
struct BadCamera {
  std::string name;
  Us lasts = kMinute;
  bool audio = true;
  bool reordered = false;  // I P B b b pictures
  bool zero_dts = false;   // each unit comes with a decode time, and it is 0
  uint32_t first_video_stamp = 1'000'000;
  uint32_t first_audio_stamp = 77'000'000;
  // What the stamps are made from: the time of a picture; the time by counting samples.
  ClockOf video_clock = Honest;
  ClockOf audio_clock = Honest;
  // How much faster than true time the crystal of the microphone is.
  int64_t audio_ppm = 0;
  // The camera's wall clock in its reports. Nothing: it sends none.
  MaybeClockOf wall = [](Us t) { return std::optional(t); };
  // The media time that a report sent at `t` names, before it goes through the track's clock.
  ClockOf report_media = Honest;
  // How long the network takes for what is sent at `t`. The order is kept.
  ClockOf delay = [](Us) { return Us{20 * kMs}; };
  // What is never sent.
  std::function<bool(Us)> lost = [](Us) { return false; };
  // This machine's wall clock.
  ClockOf server_clock = Honest;
};

// Who records it.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void OnTrack(fragmenter::TrackConfig config) = 0;
  virtual void OnReport(uint32_t track, int64_t pts, ProducerTime producer,
                        ServerTime received) = 0;
  virtual void OnUnit(fragmenter::AccessUnit unit) = 0;
  // Once a second of true time.
  virtual void OnSecond(ServerTime now) = 0;
  // Before each of the others: true time is `t` now.
  virtual void OnTime(Us t, ServerTime wall) = 0;
};

// Plays the whole camera, in order of arrival, as fast as it goes.
void Play(const BadCamera& camera, Listener& to);

// When the unit that a frame of a cluster holds was captured.
Us CapturedAt(ByteSpan cluster, const fragmenter::Frame& frame);

inline constexpr uint32_t kVideoTrack = 1;
inline constexpr uint32_t kAudioTrack = 2;
inline constexpr Us kPictureInterval = 40 * kMs;
inline constexpr Us kGroup = 2 * kSec;

}  // namespace penstock::time_corpus
