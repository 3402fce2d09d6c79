// The codecs parameter of RFC 6381, as ISO/IEC 14496-15 Annex E spells it for H.264 and H.265.
#pragma once

#include <string>

#include "fragmenter/media.h"

namespace penstock::fragmenter {

// "avc1.4d401f", "hvc1.1.6.L93.b0", "mp4a.40.2". From a codec_private that cannot be read, the bare
// sample entry name.
std::string MakeCodecString(Codec codec, ByteSpan codec_private);

}  // namespace penstock::fragmenter
