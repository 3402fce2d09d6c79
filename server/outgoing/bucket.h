// Objects put into buckets, in the protocol of Amazon S3 as every server of that kind speaks it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "server/outgoing/outgoing.h"

namespace penstock::server {

struct BucketAccess {
  HttpUrl endpoint;  // buckets are the first part of the path
  std::string region;
  std::string access_key;
  std::string secret;  // never logged
};

struct NewObject {
  std::string bucket;
  std::string key;  // any text; not empty
  std::string content_type = "application/octet-stream";
  // Names and values. What a name may not have becomes '_', what of a value is not ASCII is written
  // as RFC 2047 says, as S3 gives it back.
  std::vector<std::pair<std::string, std::string>> metadata;
  Bytes content;
};

// The request that puts it, signed for this moment (Signature Version 4, its whole content). Pure.
OutgoingRequest SignedPut(const BucketAccess& access, const NewObject& object, ServerTime now);

// Thread-safe. `outgoing` and `clock` outlive it.
class Buckets {
 public:
  Buckets(Outgoing& outgoing, Clock& clock, BucketAccess access)
      : outgoing_(outgoing), clock_(clock), access_(std::move(access)) {}

  // Stored, as the bucket's server says, when it completes. One try. kUnavailable and kTimeout may
  // pass by themselves; kForbidden (its keys), kNotFound (no such bucket) and kInvalidArgument do
  // not. On a loop or any other executor: a thread that may block says SyncWait(PutObject(…)), and
  // has to be done before the loops end. `token`: as Outgoing::Send.
  Task<Status> PutObject(NewObject object, CancelToken token = {});

 private:
  Outgoing& outgoing_;
  Clock& clock_;
  const BucketAccess access_;
};

}  // namespace penstock::server
