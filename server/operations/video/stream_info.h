// A stream as the video services describe it, and what they alone know of it.
#pragma once

#include <string>

#include "base/json.h"
#include "server/api/services.h"
#include "server/operations/aws_context.h"

namespace penstock::server::aws::video {

// Kept in the catalog beside the stream, for as long as it lives. What is empty was not given.
struct StreamTraits {
  std::string device_name;
  std::string media_type;
  std::string kms_key_id;
  std::string storage_tier;
  Json tags;  // an object of texts, or null

  bool empty() const;
};

// Durable when it completes.
Task<Status> SaveTraits(store::Catalog& catalog, ShardId shard, StreamTraits traits);
// Empty if there are none.
StreamTraits LoadTraits(const store::Catalog& catalog, const ShardId& shard);
Task<Status> ForgetTraits(store::Catalog& catalog, ShardId shard);

// The stream's version as clients see it: 20 letters and digits that are others after each change
// of the stream. Nothing is stored for it: it is made of the shard's id and its entry's version.
std::string VersionOf(const store::StreamInfo& info);

// The StreamInfo structure.
Json DescribeInfo(const Services& services, const store::StreamInfo& info);

}  // namespace penstock::server::aws::video
