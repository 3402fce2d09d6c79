// The long names of what the video services keep: each names one life of a stream or of a signaling
// channel, from a creation to a deletion. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "server/operations/aws_context.h"

namespace penstock::server::aws::video {

enum class ResourceKind { kStream, kChannel };
std::string_view ResourceKindName(ResourceKind kind);  // "stream", as ARNs have it

// Channels are named by the rules of streams, in a space of names of their own.
struct ResourceArn {
  ResourceKind kind = ResourceKind::kStream;
  StreamName name;
  ServerTime created;
};

// kInvalidArgument for text that is the ARN of neither. Region and account are not compared: what
// they were called when an ARN was noted down does not change what it names.
Result<ResourceArn> ParseResourceArn(std::string_view text);

// arn:aws:kinesisvideo:<region>:<account>:<kind>/<name>/<created, ms since 1970>
std::string FormatResourceArn(const Context& context, const ResourceArn& arn);

}  // namespace penstock::server::aws::video
