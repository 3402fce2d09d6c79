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

}  // namespace penstock::playback
