// What status sees of a recorder.
#include <fmt/format.h>

#include "ingest/recorder.h"

namespace penstock::ingest {
namespace {

int64_t SecondOf(SteadyTime t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

}  // namespace

std::string DescribeTrack(const fragmenter::TrackConfig& config) {
  const std::string_view codec = fragmenter::CodecName(config.codec);
  if (fragmenter::IsVideo(config.codec))
    return fmt::format("{} {}x{}", codec, config.width, config.height);
  const std::string channels = config.channels == 1   ? "mono"
                               : config.channels == 2 ? "stereo"
                                                      : fmt::format("{} channels", config.channels);
  return fmt::format("{} {} Hz {}", codec, config.sample_rate, channels);
}

void Recorder::NoteUnit(const fragmenter::AccessUnit& unit) {
  const size_t bytes = unit.data.size();
  const SteadyTime now = clock_.SteadyNow();
  const std::lock_guard lock(view_->mutex_);
  View::Track& track = view_->tracks_[unit.track];
  track.current = true;
  ++track.status.units;
  track.status.bytes += bytes;
  // Every unit of audio is one, and none says that pictures can be decoded.
  if (unit.key && track.status.video) ++track.status.key_frames;
  track.last_unit = now;
  if (!std::exchange(view_->any_unit_, true)) view_->since_ = now;
  for (const int64_t second = SecondOf(now); view_->second_ < second;) {
    view_->second_ = std::max(view_->second_ + 1, second - 10);
    view_->second_bytes_[static_cast<size_t>(view_->second_ % 11)] = 0;
  }
  view_->second_bytes_[static_cast<size_t>(view_->second_ % 11)] += bytes;
}

RecorderCounters Recorder::View::Snapshot(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  RecorderCounters out = counters_;
  out.running = std::chrono::duration_cast<std::chrono::milliseconds>(now - since_);
  for (const auto& [number, track] : tracks_) {
    if (!track.current) continue;
    TrackStatus status = track.status;
    status.number = number;
    if (track.last_unit) {
      status.silent_ms =
          std::chrono::duration_cast<std::chrono::milliseconds>(now - *track.last_unit).count();
    }
    out.tracks.push_back(std::move(status));
  }
  uint64_t bytes = 0;
  const int64_t second = SecondOf(now);
  for (int64_t s = std::max<int64_t>(second - 10, 0); s < second; ++s) {
    // Seconds in which nothing came were never written and hold older values.
    if (s <= second_ && s > second_ - 11) bytes += second_bytes_[static_cast<size_t>(s % 11)];
  }
  out.bits_per_second = bytes * 8 / 10;
  return out;
}

}  // namespace penstock::ingest
