#pragma once

#include <cstdint>

namespace penstock::playback {

// How a stored cluster becomes the mdat of a media segment (docs/playback.md has the measurements).
enum class Layout : uint8_t {
  kContiguous,  // the samples of a track together, one trun each; the body is slices of the cluster
                // in memory
  kVerbatim,  // the whole cluster as it is stored, a trun per sample; the body may be a file range
              // (sendfile)
};

// Which of the two playlists name. Segments of both are always served.
enum class LayoutPolicy : uint8_t {
  kAuto,  // verbatim in lists of stored media, where it costs at most about 1.25 % more bytes
  kContiguous,
  kVerbatim,
};

}  // namespace penstock::playback
