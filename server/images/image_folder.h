// Images as files of a folder, each with a .json beside it.
#pragma once

#include <filesystem>

#include "base/executor.h"
#include "server/images/image_destination.h"

namespace penstock::server::images {

// Whether it names a folder: file:///dir/prefix.
bool IsFileUri(std::string_view uri);

// The folder that it names. `root` is what the operator allows (images.directory); kForbidden,
// with what to do in words, if it is empty or the folder lies elsewhere. kInvalidArgument: not a
// file URI with an absolute path. Looks at the disk, so that no link leads out.
Result<std::filesystem::path> FolderOf(std::string_view uri, const std::filesystem::path& root);

// The image is <folder>/<key>, its metadata <folder>/<key>.json, which is there first. Each is
// written under another name and renamed when it is whole; neither is synced. Folders are made.
// Blocks on `pool`, which outlives it.
class ImageFolder final : public ImageDestination {
 public:
  ImageFolder(std::filesystem::path folder, ThreadPool& pool)
      : folder_(std::move(folder)), pool_(pool) {}
  // kInvalidArgument for a key that leads out of the folder or that no file can have; kIo. Is not
  // cancelled.
  Task<Status> Put(NewImage image, CancelToken token) override;

 private:
  const std::filesystem::path folder_;
  ThreadPool& pool_;
};

}  // namespace penstock::server::images
