// Why an upload ends before its body does.
#pragma once

#include <cstdint>
#include <string>

namespace penstock::fragmenter {

enum class UploadFault : uint8_t {
  // Of what was sent.
  kInvalid,        // not the Matroska that can be taken
  kFragmentBytes,  // a fragment is too large
  kFragmentTime,   // it is too long
  kTimecode,       // it does not lie behind the one before
  kProducerTime,   // its time is none that can be written
  kTags,           // it has too many tags, or too large ones
  kUnknownTrack,   // a frame of a track that was not announced
  kTrackMissing,   // no frame of a track that was
  kTooManyTracks,
  // Of the connection and of what is behind it.
  kReadFailed,
  kConnectionTime,  // it has lasted for as long as one may
  kStreamGone,
  kInternal,
  kNotStored,
};

struct UploadError {
  UploadFault fault = UploadFault::kInvalid;
  std::string message;  // for the log
};

}  // namespace penstock::fragmenter
