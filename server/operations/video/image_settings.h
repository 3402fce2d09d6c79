// How images are to look, as GetImages and the configuration of image generation both say it.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "playback/images/image_form.h"

namespace penstock::server::aws::video {

// From Format, FormatConfig, WidthPixels and HeightPixels of an input that its table has let pass.
// kInvalidArgument: a JPEGQuality that is no number from 1 to 100, which the table's pattern lets
// pass.
Result<playback::ImageForm> ReadImageForm(const Json& input);

}  // namespace penstock::server::aws::video
