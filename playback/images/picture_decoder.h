// H.264 and H.265 to pixels. The only file that knows the decoder is its .cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "fragmenter/media.h"
#include "playback/images/picture.h"

namespace penstock::playback {

// One thread at a time, no thread of its own. Whatever it is given, its pictures have at most
// kPictureMemoryMax together and kPicturePixelsMax each; what would need more is an error.
class PictureDecoder {
 public:
  // 4,096 by 4,096: cameras of 12 megapixels, which have 4,000 by 3,000.
  static constexpr int64_t kPicturePixelsMax = 4096 * 4096;
  // Sixteen of 4K and what is being made, or as many as H.265 allows of the largest.
  static constexpr size_t kPictureMemoryMax = 256u << 20;

  // kUnsupported for sound; kCorruption if the configuration of the track is none.
  static Result<std::unique_ptr<PictureDecoder>> Make(const fragmenter::TrackConfig& track);
  ~PictureDecoder();
  PictureDecoder(const PictureDecoder&) = delete;
  PictureDecoder& operator=(const PictureDecoder&) = delete;

  // The next picture in order of decoding, with lengths as the track's configuration says; the
  // first is a key frame. One that is not wanted and that no other needs is not decoded. `label`
  // comes back with its pixels. kCorruption if it cannot be decoded. Pictures that are ready have
  // to be taken first.
  Status Put(const ByteChain& coded, int64_t label, bool wanted);
  // Nothing follows: what is still on its way comes out.
  Status End();
  // In order of showing; nullopt: none is ready. kCorruption if a part of it had to be guessed.
  struct Shown {
    int64_t label = 0;
    Result<Picture> picture;
  };
  std::optional<Shown> Take();
  // As new: a key frame comes next.
  void Restart();

 private:
  struct Impl;
  explicit PictureDecoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::playback
