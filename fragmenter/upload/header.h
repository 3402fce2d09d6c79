// What an upload says before its first cluster.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fragmenter/ebml/reader.h"
#include "fragmenter/media.h"

namespace penstock::fragmenter {

// One announced track. Every codec is stored; those that playback knows are in the track set, too.
struct UploadTrack {
  uint32_t number = 0;
  bool video = false;
  std::string codec_id;
  std::string why_unplayable;  // empty: it plays
  int64_t default_duration_ns = 0;
};

// Immutable and shared by the fragments that follow.
struct UploadHeader {
  // EBML header, Segment of unknown size, and of what the producer sent Info, Tracks and Tags, byte
  // for byte; not what only has a meaning in its own file (SeekHead, Cues, Void, attachments).
  Bytes document;
  // As far as is known: what pictures are may come with them only (picture_form.h).
  TrackSet playable;
  TrackSet pictures;  // H.264 and H.265, with the codec private data that was announced
  std::vector<UploadTrack> tracks;
  int64_t scale_ns = 1'000'000;  // TimestampScale

  const UploadTrack* Find(uint64_t number) const;
};

// Gathers it from a reader's events.
class UploadHeaderReader {
 public:
  // An event within EBML header, Info or Tracks; others do no harm.
  void Take(const ebml::Event& event);
  size_t tracks() const { return entries_.size(); }

  // `raw`: what was sent from the EBML header to the first cluster. kProtocol: no track, two of one
  // number, no sane scale, or not whole elements.
  Result<std::shared_ptr<const UploadHeader>> Finish(ByteSpan raw) &&;

 private:
  struct Entry {
    UploadTrack track;
    uint64_t type = 0;
    Bytes codec_private;
    uint32_t width = 0;
    uint32_t height = 0;
    double rate = 8000;
    uint32_t channels = 1;
    bool encoded = false;  // compressed or encrypted as Matroska can
  };
  static bool Describe(const Entry& entry, TrackConfig& config, std::string& why_not);

  std::vector<Entry> entries_;
  uint64_t scale_ns_ = 1'000'000;
};

}  // namespace penstock::fragmenter
