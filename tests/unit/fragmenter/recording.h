// A source played into a Fragmenter, and what came of it.
#pragma once

#include <fstream>

#include "base/chunk_pool.h"
#include "fragmenter/fragmenter.h"
#include "tests/unit/fragmenter/media_clip.h"

namespace penstock::fragmenter::testing {

// Collects fragments and checks what holds of all of them.
struct Recording {
  std::vector<Fragment> fragments;

  Fragmenter::Sink Sink() {
    return [this](Fragment fragment) {
      Check(fragment);
      fragments.push_back(std::move(fragment));
    };
  }

  void Check(const Fragment& fragment) {
    EXPECT_TRUE(IsDirectIoReady(fragment.cluster));
    EXPECT_FALSE(fragment.frames.frames.empty());
    if (fragment.starts_run) last_dts.clear();
    for (const Frame& frame : fragment.frames.frames) {
      EXPECT_GE(frame.dts, 0);
      const auto last = last_dts.find(frame.track);
      if (last != last_dts.end()) {
        EXPECT_GT(frame.dts, last->second) << "track " << frame.track;
      }
      last_dts[frame.track] = frame.dts;
      EXPECT_GT(frame.duration, 0u);
      EXPECT_LE(frame.offset + frame.size, fragment.cluster.size());
    }
  }

  std::vector<Frame> Frames(uint32_t track) const {
    std::vector<Frame> out;
    for (const Fragment& fragment : fragments) {
      for (const Frame& frame : fragment.frames.frames) {
        if (frame.track == track) out.push_back(frame);
      }
    }
    return out;
  }

  // Header and clusters of the fragments from `first` on, up to `count`.
  std::string WriteMkv(const std::string& path, size_t first = 0, size_t count = SIZE_MAX) const {
    std::ofstream out(path, std::ios::binary);
    const Bytes header = EncodeMkvHeader(*fragments.at(first).tracks);
    out << header.text();
    for (size_t i = first; i < fragments.size() && i - first < count; ++i)
      out << fragments[i].cluster.Flatten().text();
    return path;
  }

  std::map<uint32_t, int64_t> last_dts;
};

// The access units of one track, for tests that give them times of their own.
struct Collector {
  TrackConfig config;
  std::vector<AccessUnit> units;
};
inline Collector CollectUnits(const RtpClip& clip) {
  Collector out;
  auto depayloader =
      gst::Depayloader::Make(clip.format, 1,
                             {[&](TrackConfig config) { out.config = std::move(config); },
                              [&](AccessUnit unit) { out.units.push_back(std::move(unit)); }});
  for (const Bytes& packet : clip.packets)
    (*depayloader)->Push(packet, TimestampOf(packet), false, {});
  (*depayloader)->Flush();
  return out;
}

// RTP of one or two tracks, pushed through depayloaders in the order of time.
class Player {
 public:
  explicit Player(Fragmenter& to) : to_(to) {}

  void AddTrack(uint32_t number, RtpClip clip) {
    gst::Depayloader::Callbacks callbacks{
        [this](TrackConfig config) { to_.SetTrack(std::move(config)); },
        [this](AccessUnit unit) { EXPECT_TRUE(to_.Push(std::move(unit)).ok()); }};
    auto depayloader = gst::Depayloader::Make(clip.format, number, std::move(callbacks));
    ASSERT_TRUE(depayloader.ok()) << depayloader.error().ToString();
    tracks_.push_back({std::move(clip), std::move(*depayloader)});
  }

  // Server time follows media time from here.
  int64_t start_ms = 1'700'000'000'000;

  void Play() {
    std::vector<size_t> next(tracks_.size(), 0);
    for (;;) {
      size_t best = tracks_.size();
      double best_time = 0;
      for (size_t i = 0; i < tracks_.size(); ++i) {
        if (next[i] == tracks_[i].clip.packets.size()) continue;
        const double time = Time(i, next[i]);
        if (best == tracks_.size() || time < best_time) {
          best = i;
          best_time = time;
        }
      }
      if (best == tracks_.size()) break;
      const Bytes& packet = tracks_[best].clip.packets[next[best]++];
      const auto at = ServerTimeFromMs(start_ms + static_cast<int64_t>(best_time * 1000));
      tracks_[best].depayloader->Push(packet, TimestampOf(packet), false, at);
    }
    for (Track& track : tracks_) {
      track.depayloader->Flush();
      EXPECT_EQ(track.depayloader->errors(), 0u) << track.depayloader->last_error();
    }
  }

 private:
  struct Track {
    RtpClip clip;
    std::unique_ptr<gst::Depayloader> depayloader;
  };
  double Time(size_t track, size_t packet) const {
    const RtpClip& clip = tracks_[track].clip;
    return static_cast<double>(TimestampOf(clip.packets[packet]) - TimestampOf(clip.packets[0])) /
           clip.format.clock_rate;
  }

  Fragmenter& to_;
  std::vector<Track> tracks_;
};

}  // namespace penstock::fragmenter::testing
