// In which of their two forms uploaded H.264 and H.265 come, and what a decoder must know of them:
// producers announce one and send the other, or announce nothing.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "fragmenter/upload/header.h"
#include "fragmenter/upload/parser.h"

namespace penstock::fragmenter {

// What the codec private data alone says, which is avcC or hvcC, or their parameter sets as a byte
// stream. nullopt if it is neither: parameter sets may still come in front of pictures. `announced`
// has everything else.
std::optional<TrackConfig> DescribePictures(const TrackConfig& announced);

// The header with its pictures as they are in this fragment: the same one where nothing changes.
// What is there decides. A track's first key frame in the fragment (its first frame, if it has
// none) says the form: lengths, where they fit the frame to its last byte; a byte stream, where it
// begins with a start code; else what was known. With avcC or hvcC and lengths nothing else is
// looked at. Otherwise parameter sets in front of that frame's first slice that were not known
// (within 64 KiB) make a new configuration; those of a kind that did not come stay.
std::shared_ptr<const UploadHeader> WithPicturesOf(std::shared_ptr<const UploadHeader> header,
                                                   const ByteChain& body,
                                                   const std::vector<UploadBlock>& blocks);

}  // namespace penstock::fragmenter
