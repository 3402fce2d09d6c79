#include "server/images/image_bucket.h"

namespace penstock::server::images {
namespace {

constexpr std::string_view kScheme = "s3://";

}  // namespace

Task<Status> ImageBucket::Put(NewImage image, CancelToken token) {
  NewObject object;
  object.bucket = bucket_;
  object.key = prefix_.empty() ? std::move(image.key) : prefix_ + "/" + image.key;
  object.content_type = std::move(image.content_type);
  object.metadata = std::move(image.metadata);
  object.content = std::move(image.content);
  return buckets_.PutObject(std::move(object), std::move(token));
}

Result<std::shared_ptr<ImageDestination>> OpenBucket(std::string_view uri, Buckets& buckets) {
  const std::string_view path =
      uri.starts_with(kScheme) ? uri.substr(kScheme.size()) : std::string_view();
  const size_t slash = path.find('/');
  const std::string_view bucket = path.substr(0, slash);
  if (bucket.empty())
    return Error(ErrorCode::kInvalidArgument, "a bucket for images is s3://bucket/prefix");
  std::string_view prefix =
      slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return std::shared_ptr<ImageDestination>(
      std::make_shared<ImageBucket>(buckets, std::string(bucket), std::string(prefix)));
}

}  // namespace penstock::server::images
