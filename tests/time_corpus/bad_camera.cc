#include "tests/time_corpus/bad_camera.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "base/byte_io.h"
#include "fragmenter/timeline/ticks.h"
#include "ingest/rtp/unwrap.h"

namespace penstock::time_corpus {
namespace {

using fragmenter::AccessUnit;
using fragmenter::Codec;
using fragmenter::Rescale;
using fragmenter::TrackConfig;
using fragmenter::UsToTicks;
using ingest::rtp::TimestampUnwrapper;

constexpr uint32_t kVideoRate = 90'000;
constexpr uint32_t kAudioRate = 48'000;
constexpr int64_t kSamples = 1024;
constexpr Us kReportInterval = 5 * kSec;
// The sound's reports come between the pictures'.
constexpr Us kAudioReportOffset = 1300 * kMs;
constexpr int64_t kPpm = 1'000'000;
constexpr size_t kNalHeadBytes = 5;  // length and type

TrackConfig VideoConfig(bool reordered) {
  // Constrained Baseline, which reorders nothing; Main without a word about reordering.
  const uint8_t profile = reordered ? 0x4d : 0x42;
  const std::vector<uint8_t> avcc = {1,    profile, 0xc0,    0x1f, 0xff, 0xe1, 0,
                                     8,    0x67,    profile, 0xc0, 0x1f, 0xf4, 0x0a,
                                     0x0f, 0xc8,    1,       0,    2,    0x68, 0xce};
  TrackConfig track;
  track.number = kVideoTrack;
  track.codec = Codec::kH264;
  track.codec_private = Bytes::Copy(avcc);
  track.clock_rate = kVideoRate;
  track.width = 320;
  track.height = 240;
  return track;
}

TrackConfig AudioConfig() {
  TrackConfig track;
  track.number = kAudioTrack;
  track.codec = Codec::kAac;
  track.codec_private = Bytes::Copy(std::string_view("\x11\x90", 2));
  track.clock_rate = kAudioRate;
  track.sample_rate = kAudioRate;
  track.channels = 2;
  return track;
}

// Its capture time is the payload.
Bytes PictureBytes(Us captured, bool key) {
  ByteWriter out;
  out.Be<uint32_t>(1 + sizeof(Us));
  out.Be<uint8_t>(key ? 0x65 : 0x41);
  out.Be<int64_t>(captured);
  return out.Take();
}

Bytes SoundBytes(Us captured) {
  ByteWriter out;
  out.Be<int64_t>(captured);
  return out.Take();
}

// In decoding order: which picture of the five I0 P4 B2 b1 b3 comes as the n-th.
int64_t DisplayIndex(int64_t n, bool reordered) {
  constexpr std::array<int64_t, 4> kOrder = {4, 2, 1, 3};
  if (!reordered || n % 50 == 0) return n;
  const int64_t within = n % 50 - 1;
  // The last picture of a group of fifty stands alone.
  if (within >= 48) return n;
  return n - within + within / 4 * 4 + kOrder[static_cast<size_t>(within % 4)] - 1;
}

class Player {
 public:
  Player(const BadCamera& camera, Listener& to) : camera_(camera), to_(to) {}

  void Play() {
    // What is sent, by the time it is sent at.
    int64_t picture = 0, sound = 0, video_report = 0, audio_report = 0;
    to_.OnTrack(VideoConfig(camera_.reordered));
    if (camera_.audio) to_.OnTrack(AudioConfig());
    const Us never = std::numeric_limits<Us>::max();
    for (;;) {
      const Us picture_at = picture * kPictureInterval;
      const Us sound_at = camera_.audio ? SoundAt(sound) : never;
      const Us video_report_at = video_report * kReportInterval + kMs;
      const Us audio_report_at =
          camera_.audio ? audio_report * kReportInterval + kAudioReportOffset : never;
      const Us next = std::min({picture_at, sound_at, video_report_at, audio_report_at});
      if (next >= camera_.lasts) break;
      const ServerTime received = Arrive(next);
      if (next == picture_at) {
        SendPicture(picture++, received);
      } else if (next == sound_at) {
        SendSound(sound++, received);
      } else if (next == video_report_at) {
        ++video_report;
        SendReport(kVideoTrack, next, received);
      } else {
        ++audio_report;
        SendReport(kAudioTrack, next, received);
      }
    }
  }

 private:
  Us SoundAt(int64_t n) const {
    return Rescale(n * kSamples, int64_t{kAudioRate} * (kPpm + camera_.audio_ppm), kPpm * kSec);
  }

  // Time passes until what is sent at `sent` has come.
  ServerTime Arrive(Us sent) {
    const Us at = std::max(arrived_, sent + camera_.delay(sent));
    for (Us second = arrived_ / kSec + 1; second * kSec <= at; ++second) {
      const ServerTime now = Wall(second * kSec);
      to_.OnTime(second * kSec, now);
      to_.OnSecond(now);
    }
    arrived_ = at;
    const ServerTime now = Wall(at);
    to_.OnTime(at, now);
    return now;
  }

  ServerTime Wall(Us t) const { return ServerTimeFromMs(kStartMs + camera_.server_clock(t) / kMs); }

  uint32_t VideoStamp(Us t) const {
    return static_cast<uint32_t>(camera_.first_video_stamp +
                                 UsToTicks(camera_.video_clock(t), kVideoRate));
  }
  // `t`: by counting samples.
  uint32_t AudioStamp(Us t) const {
    return static_cast<uint32_t>(camera_.first_audio_stamp +
                                 UsToTicks(camera_.audio_clock(t), kAudioRate));
  }

  void SendPicture(int64_t n, ServerTime received) {
    const Us shown = DisplayIndex(n, camera_.reordered) * kPictureInterval;
    if (camera_.lost(n * kPictureInterval)) return;
    AccessUnit unit;
    unit.track = kVideoTrack;
    unit.pts = video_stamps_.Next(VideoStamp(shown));
    if (camera_.zero_dts) unit.dts = 0;
    unit.key = n * kPictureInterval % kGroup == 0;
    unit.data = PictureBytes(shown, unit.key);
    unit.received = received;
    to_.OnUnit(std::move(unit));
  }

  void SendSound(int64_t n, ServerTime received) {
    if (camera_.lost(SoundAt(n))) return;
    AccessUnit unit;
    unit.track = kAudioTrack;
    unit.pts = audio_stamps_.Next(AudioStamp(Rescale(n * kSamples, kAudioRate, kSec)));
    unit.duration = kSamples;
    unit.key = true;
    unit.data = SoundBytes(SoundAt(n));
    unit.received = received;
    to_.OnUnit(std::move(unit));
  }

  void SendReport(uint32_t track, Us t, ServerTime received) {
    const std::optional<Us> wall = camera_.wall(t);
    if (!wall || camera_.lost(t)) return;
    const Us media = camera_.report_media(t);
    const int64_t pts =
        track == kVideoTrack
            ? video_stamps_.Near(VideoStamp(media))
            : audio_stamps_.Near(AudioStamp(media + Rescale(media, kPpm, camera_.audio_ppm)));
    to_.OnReport(track, pts, ProducerTimeFromUs(kStartMs * 1000 + *wall), received);
  }

  const BadCamera& camera_;
  Listener& to_;
  Us arrived_ = 0;
  TimestampUnwrapper video_stamps_;
  TimestampUnwrapper audio_stamps_;
};

}  // namespace

void Play(const BadCamera& camera, Listener& to) { Player(camera, to).Play(); }

Us CapturedAt(ByteSpan cluster, const fragmenter::Frame& frame) {
  ByteReader in(cluster.subspan(frame.offset, frame.size));
  if (frame.track == kVideoTrack) in.Skip(kNalHeadBytes);
  return in.Be<int64_t>();
}

}  // namespace penstock::time_corpus
