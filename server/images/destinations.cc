#include "server/images/destinations.h"

#include "server/images/image_bucket.h"
#include "server/images/image_folder.h"

namespace penstock::server::images {

OpenDestination OpenPlaces(std::filesystem::path root, ThreadPool& pool, Buckets* buckets) {
  return [root = std::move(root), &pool,
          buckets](std::string_view uri) -> Result<std::shared_ptr<ImageDestination>> {
    if (!IsFileUri(uri) && buckets == nullptr) {
      return Error(ErrorCode::kUnsupported,
                   "images are delivered to buckets only where s3.endpoint of the server's "
                   "configuration names a server of them");
    }
    if (!IsFileUri(uri)) return OpenBucket(uri, *buckets);
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
