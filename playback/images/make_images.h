// Pictures of one fragment as images.
#pragma once

#include <atomic>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "fragmenter/media.h"
#include "playback/images/frame_choice.h"
#include "playback/images/image_form.h"

namespace penstock::playback {

// One for each of `places` (of FrameChoice), which differ. What lies between two of them is decoded
// once, and of that only what others need; on this thread. An image that cannot be made is an error
// of its own, and so is everything that is not done after kImageCpuSecondsMax.
//   kCorruption   the pictures cannot be decoded, or parts are missing
//   kUnsupported  no key frame before it in the fragment; not a video track
//   kTooLarge     the image would be
//   kTimeout      it would take too long
//   kCancelled    `stop` was set meanwhile
inline constexpr double kImageCpuSecondsMax = 20;
std::vector<Result<Bytes>> MakeImages(const fragmenter::TrackConfig& track,
                                      const fragmenter::FrameTable& table, const ByteChain& cluster,
                                      const std::vector<size_t>& places, const ImageForm& form,
                                      const std::atomic<bool>* stop = nullptr);

}  // namespace penstock::playback
