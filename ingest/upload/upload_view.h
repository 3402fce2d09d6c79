// What status sees of a stream's uploads.
#pragma once

#include <array>
#include <map>
#include <mutex>

#include "fragmenter/upload/parser.h"
#include "ingest/publication_view.h"

namespace penstock::ingest {

// All connections of one stream together. Thread-safe.
class UploadView final : public PublicationView {
 public:
  explicit UploadView(SteadyTime now) : since_(now) {}

  RecorderCounters Snapshot(SteadyTime now) const override;

  void Announce(const fragmenter::UploadHeader& header);
  void NoteBytes(size_t bytes, SteadyTime now);
  void NoteFragment(const fragmenter::UploadFragment& fragment);
  void NoteWaiting(int more);
  void NoteStored();
  void NoteRefused(const Error& error);
  void NoteMissing(std::optional<store::GapReason> reason);

 private:
  mutable std::mutex mutex_;
  std::map<uint32_t, TrackStatus> tracks_;
  RecorderCounters counters_;
  const SteadyTime since_;
  std::optional<SteadyTime> last_;
  std::array<uint64_t, 11> second_bytes_{};  // of the second under way and of the ten before it
  int64_t second_ = 0;
};

}  // namespace penstock::ingest
