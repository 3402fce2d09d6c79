// A stream as the video services describe it, and what they alone know of it.
#pragma once

#include <functional>
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
  // Grows with each change of what DescribeStream shows of it; tags do not count.
  int64_t revision = 0;

  bool empty() const;
};

// Durable when it completes.
Task<Status> SaveTraits(store::Catalog& catalog, ShardId shard, StreamTraits traits);
// Empty if there are none.
StreamTraits LoadTraits(const store::Catalog& catalog, const ShardId& shard);
// The traits and everything else under AttachmentKey.
Task<Status> ForgetTraits(store::Catalog& catalog, ShardId shard);
// Behind a change of any of them: the stream may have been deleted between the look at it and the
// change, which would then stay for ever. kNotFound if it has gone.
Task<Status> ForgetIfGone(store::Store& store, store::StreamInfo info);

// Applies `change` to the traits as they are now, and again if others have changed them meanwhile;
// durable when it completes. An error of `change` ends it. kNotFound if the stream has gone.
using TraitsChange = std::function<Status(StreamTraits&)>;
Task<Status> ChangeTraits(store::Store& store, store::StreamInfo info, TraitsChange change);

// Further values that hang on a stream, each of a kind ("edge"), and go with it.
std::string AttachmentKey(const ShardId& shard, std::string_view kind);
// null if there is none.
Json LoadAttachment(const store::Catalog& catalog, const ShardId& shard, std::string_view kind);
// null erases it. Durable when it completes. kNotFound if the stream has gone.
Task<Status> SaveAttachment(store::Store& store, store::StreamInfo info, std::string kind,
                            Json value);

// The stream's version as clients see it: 20 letters and digits that are others after each change
// of the stream. Nothing is stored for it: it is made of the shard's id, its entry's version, and
// the revision of its traits.
std::string VersionOf(const store::StreamInfo& info, const StreamTraits& traits);

// kConflict if the input's CurrentVersion is there and is another.
Status CheckVersion(const Json& input, const store::StreamInfo& info, const StreamTraits& traits);

// The StreamInfo structure.
Json DescribeInfo(const Services& services, const store::StreamInfo& info);

}  // namespace penstock::server::aws::video
