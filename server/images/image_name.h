// What a generated image is called and what is said of it. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "playback/images/image_form.h"
#include "store/shard.h"

namespace penstock::server::images {

// One image of a stored fragment.
struct ImageOf {
  store::ItemRef fragment;
  std::chrono::microseconds after{0};  // since the fragment's begin
  int64_t time_ms = 0;                 // on the clock of the configuration
};

// <prefix>_<account>_<stream>_<time>_<id>.jpg, as Kinesis Video Streams calls it; without a prefix
// it begins with the account. The id is made of what the image shows: who makes it again, after a
// restart, gives it the same name. Characters of a prefix that are not for names become '_'.
std::string NameImage(const ImageOf& image, std::string_view prefix, std::string_view account,
                      std::string_view stream, const playback::ImageForm& form);

// aws_kinesisvideo_fragment_number and the times of the picture on both clocks, milliseconds; then
// the producer's own tags.
std::vector<std::pair<std::string, std::string>> DescribeImage(
    const ImageOf& image, const std::vector<std::pair<std::string, std::string>>& tags);

}  // namespace penstock::server::images
