// What a request is about: the stream or the signaling channel that its input names.
#pragma once

#include "server/operations/operation.h"
#include "server/operations/video/resource_arn.h"

namespace penstock::server::aws::video {

// As the input says it, looked up nowhere yet.
struct NamedResource {
  ResourceKind kind = ResourceKind::kStream;
  StreamName name;
  std::optional<ServerTime> created;  // of an ARN
};

// kInvalidArgument without a name, with two that contradict each other, and for the ARN of
// something else. `what` is not kNone.
Result<NamedResource> NameResource(Resource what, const Json& input);

// Fills in `call` what is looked up before the work begins; kNotFound. An ARN names one life: what
// has its name now is not meant.
Status FindResource(Services& services, Resource what, const NamedResource& named, Call& call);

// The stream that an ARN inside an input means; kInvalidArgument, kNotFound.
Result<OpenStream> FindStreamOf(Services& services, std::string_view arn);

}  // namespace penstock::server::aws::video
