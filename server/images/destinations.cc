#include "server/images/destinations.h"

#include "server/images/image_folder.h"

namespace penstock::server::images {

OpenDestination OpenPlaces(std::filesystem::path root, ThreadPool& pool) {
  return [root = std::move(root),
          &pool](std::string_view uri) -> Result<std::shared_ptr<ImageDestination>> {
    if (!IsFileUri(uri)) {
      return Error(ErrorCode::kUnsupported,
                   "images are delivered to folders only (file:///folder/prefix), to buckets not "
                   "yet");
    }
    PS_TRY(std::filesystem::path folder, FolderOf(uri, root));
    return std::shared_ptr<ImageDestination>(
        std::make_shared<ImageFolder>(std::move(folder), pool));
  };
}

Status CheckPlace(std::string_view uri, const std::filesystem::path& root) {
  if (!IsFileUri(uri)) return Status();
  const auto folder = FolderOf(uri, root);
  if (folder.ok()) return Status();
  return Error(ErrorCode::kInvalidArgument, folder.error().message());
}

}  // namespace penstock::server::images
