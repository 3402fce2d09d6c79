// Where generated images go.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/task.h"

namespace penstock::server::images {

struct NewImage {
  std::string key;           // below the place: file name or object key; may have slashes in it
  std::string content_type;  // "image/jpeg"
  // Names and values, as Kinesis Video Streams names them; values of tags may be any text.
  std::vector<std::pair<std::string, std::string>> metadata;
  Bytes content;
};

// One place that images of a stream go to. Called on a loop, by one caller at a time; must not
// block it.
class ImageDestination {
 public:
  virtual ~ImageDestination() = default;
  // It is there, whole and with its metadata, when this completes. The same key may come again with
  // the same content and takes the place of what was there. One try; an error leaves nothing.
  // kInvalidArgument, kForbidden, kNotFound: the next try would fail as well.
  virtual Task<Status> Put(NewImage image, CancelToken token) = 0;
};

// What a configuration's Uri means. kUnsupported: a place that nothing is delivered to;
// kInvalidArgument, kForbidden: why not there, in words for people.
using OpenDestination =
    std::function<Result<std::shared_ptr<ImageDestination>>(std::string_view uri)>;

}  // namespace penstock::server::images
