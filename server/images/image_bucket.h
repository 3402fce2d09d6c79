// Images as objects of a bucket, with their metadata.
#pragma once

#include "server/images/image_destination.h"
#include "server/outgoing/bucket.h"

namespace penstock::server::images {

// `prefix`: what a configuration's s3://bucket/prefix has behind the bucket; an object's key is
// <prefix>/<image's key>. `buckets` outlives it.
class ImageBucket final : public ImageDestination {
 public:
  ImageBucket(Buckets& buckets, std::string bucket, std::string prefix)
      : buckets_(buckets), bucket_(std::move(bucket)), prefix_(std::move(prefix)) {}
  // The errors of Buckets::PutObject.
  Task<Status> Put(NewImage image, CancelToken token) override;

 private:
  Buckets& buckets_;
  const std::string bucket_;
  const std::string prefix_;
};

// What s3://bucket/prefix names; kInvalidArgument if it is not that.
Result<std::shared_ptr<ImageDestination>> OpenBucket(std::string_view uri, Buckets& buckets);

}  // namespace penstock::server::images
