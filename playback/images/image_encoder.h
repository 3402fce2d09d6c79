// Pixels to JPEG and PNG. The only file that knows the encoder is its .cc.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "playback/images/image_form.h"
#include "playback/images/picture.h"

namespace penstock::playback {

// Scaled and in the colours of the format. Equal pictures and forms give equal bytes. kTooLarge
// beyond kImageBytesMax; kUnsupported for pixels that nothing is known of. Computes: not for loops.
Result<Bytes> EncodeImage(const Picture& picture, const ImageForm& form);

}  // namespace penstock::playback
