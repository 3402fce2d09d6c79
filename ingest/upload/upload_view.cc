#include "ingest/upload/upload_view.h"

#include <fmt/format.h>

#include "ingest/recorder.h"

namespace penstock::ingest {
namespace {

using std::chrono::milliseconds;

int64_t SecondOf(SteadyTime t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

size_t PlaceOf(int64_t second) { return static_cast<size_t>(second % 11); }

}  // namespace

RecorderCounters UploadView::Snapshot(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  RecorderCounters out = counters_;
  out.running = std::chrono::duration_cast<milliseconds>(now - since_);
  for (const auto& [number, track] : tracks_) {
    out.tracks.push_back(track);
    if (!last_) continue;
    // Frames are known a fragment at a time: silent are all of them, or none.
    out.tracks.back().silent_ms = std::chrono::duration_cast<milliseconds>(now - *last_).count();
  }
  uint64_t bytes = 0;
  const int64_t second = SecondOf(now);
  for (int64_t s = std::max<int64_t>(second - 10, 0); s < second; ++s) {
    if (s <= second_ && s > second_ - 11) bytes += second_bytes_[PlaceOf(s)];
  }
  out.bits_per_second = bytes * 8 / 10;
  return out;
}

void UploadView::Announce(const fragmenter::UploadHeader& header) {
  const std::lock_guard lock(mutex_);
  std::map<uint32_t, TrackStatus> tracks;
  for (const fragmenter::UploadTrack& track : header.tracks) {
    TrackStatus status = tracks_[track.number];
    status.number = track.number;
    status.video = track.video;
    const fragmenter::TrackConfig* const config = header.playable.Find(track.number);
    status.description = config != nullptr
                             ? DescribeTrack(*config)
                             : fmt::format("{}: {}", track.codec_id, track.why_unplayable);
    tracks[track.number] = std::move(status);
  }
  tracks_ = std::move(tracks);
}

void UploadView::NoteBytes(size_t bytes, SteadyTime now) {
  const std::lock_guard lock(mutex_);
  last_ = now;
  for (const int64_t second = SecondOf(now); second_ < second;) {
    second_ = std::max(second_ + 1, second - 10);
    second_bytes_[PlaceOf(second_)] = 0;
  }
  second_bytes_[PlaceOf(second_)] += bytes;
}

void UploadView::NoteFragment(const fragmenter::UploadFragment& fragment) {
  const std::lock_guard lock(mutex_);
  for (const fragmenter::UploadBlock& block : fragment.blocks) {
    TrackStatus& track = tracks_[block.track];
    ++track.units;
    track.bytes += block.size;
    if (block.key && track.video) ++track.key_frames;
  }
}

void UploadView::NoteWaiting(int more) {
  const std::lock_guard lock(mutex_);
  counters_.fragments_waiting += static_cast<uint64_t>(more);
}

void UploadView::NoteStored() {
  const std::lock_guard lock(mutex_);
  ++counters_.fragments_stored;
  counters_.stored = true;
  counters_.storage_error.reset();
}

void UploadView::NoteRefused(const Error& error) {
  const std::lock_guard lock(mutex_);
  ++counters_.fragments_dropped;
  counters_.storage_error = error;
}

void UploadView::NoteMissing(std::optional<store::GapReason> reason) {
  const std::lock_guard lock(mutex_);
  counters_.missing = reason;
}

}  // namespace penstock::ingest
