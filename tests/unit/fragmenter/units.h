// Access units made by hand, for tests of times and cuts.
#pragma once

#include "fragmenter/media.h"

namespace penstock::fragmenter::testing {

inline constexpr int64_t kStartMs = 1'700'000'000'000;

// The codec private data says nothing of reordering, so that decode times have to be observed,
// unless `baseline`.
inline TrackConfig VideoTrack(uint32_t number = 1, uint8_t profile = 0x42) {
  // SPS: profile, level 3.1, 20 x 15 macroblocks, no VUI.
  const std::vector<uint8_t> avcc = {1,    profile, 0xc0,    0x1f, 0xff, 0xe1, 0,
                                     8,    0x67,    profile, 0xc0, 0x1f, 0xf4, 0x0a,
                                     0x0f, 0xc8,    1,       0,    2,    0x68, 0xce};
  TrackConfig track;
  track.number = number;
  track.codec = Codec::kH264;
  track.codec_private = Bytes::Copy(avcc);
  track.clock_rate = 90'000;
  track.width = 320;
  track.height = 240;
  return track;
}

inline TrackConfig AudioTrack(uint32_t number = 2) {
  TrackConfig track;
  track.number = number;
  track.codec = Codec::kAac;
  track.codec_private = Bytes::Copy(std::string_view("\x11\x90", 2));
  track.clock_rate = 48'000;
  track.sample_rate = 48'000;
  track.channels = 2;
  return track;
}

// At `ms` of media time, received then.
inline AccessUnit Picture(int64_t ms, bool key, size_t bytes = 100, uint32_t track = 1) {
  std::vector<uint8_t> data(bytes + 5, 0x11);
  const auto nal = static_cast<uint32_t>(bytes + 1);
  for (int i = 0; i < 4; ++i)
    data[static_cast<size_t>(i)] = static_cast<uint8_t>(nal >> (24 - 8 * i));
  data[4] = key ? 0x65 : 0x41;
  AccessUnit unit;
  unit.track = track;
  unit.pts = ms * 90;
  unit.key = key;
  unit.data = Bytes::From(std::move(data));
  unit.received = ServerTimeFromMs(kStartMs + ms);
  return unit;
}

// The n-th audio unit.
inline AccessUnit Sound(int64_t n, uint32_t track = 2) {
  AccessUnit unit;
  unit.track = track;
  unit.pts = n * 1024;
  unit.duration = 1024;
  unit.key = true;
  unit.data = Bytes::Copy("sound");
  unit.received = ServerTimeFromMs(kStartMs + n * 1024 / 48);
  return unit;
}

}  // namespace penstock::fragmenter::testing
