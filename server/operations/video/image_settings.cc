#include "server/operations/video/image_settings.h"

#include <charconv>

namespace penstock::server::aws::video {

Result<playback::ImageForm> ReadImageForm(const Json& input) {
  playback::ImageForm form;
  if (input["Format"].AsString() == "PNG") form.format = playback::ImageFormat::kPng;
  form.size.width = static_cast<uint32_t>(input["WidthPixels"].AsInt());
  form.size.height = static_cast<uint32_t>(input["HeightPixels"].AsInt());
  const Json& quality = input["FormatConfig"]["JPEGQuality"];
  if (quality.is_null()) return form;
  const std::string_view text = quality.AsString();
  const auto [end, failure] =
      std::from_chars(text.data(), text.data() + text.size(), form.jpeg_quality);
  if (failure == std::errc() && end == text.data() + text.size() && form.jpeg_quality >= 1 &&
      form.jpeg_quality <= 100) {
    return form;
  }
  return Error(ErrorCode::kInvalidArgument, "JPEGQuality is a number from 1 to 100.");
}

}  // namespace penstock::server::aws::video
