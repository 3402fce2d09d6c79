// What becomes of images of image generation that are not delivered.
#pragma once

#include <string_view>

#include <fmt/format.h>

#include "base/metrics.h"

namespace penstock::server::images {

inline metrics::Counter& SkippedImages(std::string_view reason) {
  return metrics::GetCounter("penstock_images_skipped_total",
                             "Images of image generation that were left out",
                             fmt::format("reason=\"{}\"", reason));
}

}  // namespace penstock::server::images
