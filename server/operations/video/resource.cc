#include "server/operations/video/resource.h"

#include <fmt/format.h>

namespace penstock::server::aws::video {
namespace {

Error Invalid(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

// By <Kind>Name, <Kind>ARN, or both.
Result<NamedResource> NameBy(const Json& input, ResourceKind kind, std::string_view noun) {
  const std::string_view name = input[fmt::format("{}Name", noun)].AsString();
  const std::string_view arn = input[fmt::format("{}ARN", noun)].AsString();
  if (name.empty() && arn.empty())
    return Invalid(fmt::format("Either {0}Name or {0}ARN has to be there.", noun));
  if (arn.empty()) {
    PS_TRY(StreamName parsed, StreamName::Parse(name));
    return NamedResource{kind, std::move(parsed), std::nullopt};
  }
  auto parsed = ParseResourceArn(arn);
  if (!parsed.ok() || parsed->kind != kind) {
    return Invalid(fmt::format("{}ARN is not the ARN of a {}.", noun,
                               kind == ResourceKind::kStream ? "stream" : "signaling channel"));
  }
  if (!name.empty() && name != parsed->name.text())
    return Invalid(fmt::format("{0}Name and {0}ARN are of two things.", noun));
  return NamedResource{kind, std::move(parsed->name), parsed->created};
}

Error NoStream() {
  return Error(ErrorCode::kNotFound, "The requested stream is not found or not active.");
}

Error NoChannel() {
  return Error(ErrorCode::kNotFound, "The requested channel is not found or not active.");
}

Result<OpenStream> FindLife(Services& services, const StreamName& name,
                            std::optional<ServerTime> created) {
  auto found = FindStream(services, name);
  if (!found.ok() || (created && *created != found->info.created)) return NoStream();
  return found;
}

}  // namespace

Result<NamedResource> NameResource(Resource what, const Json& input) {
  switch (what) {
    case Resource::kNone:
      break;
    case Resource::kNewStream:
    case Resource::kStream:
      return NameBy(input, ResourceKind::kStream, "Stream");
    case Resource::kNewChannel:
    case Resource::kChannel:
      return NameBy(input, ResourceKind::kChannel, "Channel");
    case Resource::kStreamOrChannel: {
      PS_TRY(ResourceArn arn, ParseResourceArn(input["ResourceARN"].AsString()));
      return NamedResource{arn.kind, std::move(arn.name), arn.created};
    }
  }
  return Invalid("The request names nothing.");
}

Status FindResource(Services& services, Resource what, const NamedResource& named, Call& call) {
  call.name = named.name;
  if (what == Resource::kNewStream || what == Resource::kNewChannel) return Status();
  if (named.kind == ResourceKind::kStream) {
    PS_TRY(call.stream, FindLife(services, named.name, named.created));
    return Status();
  }
  call.channel = LoadChannel(services.store.catalog(), named.name);
  if (!call.channel || (named.created && *named.created != call.channel->created))
    return NoChannel();
  return Status();
}

Result<OpenStream> FindStreamOf(Services& services, std::string_view arn) {
  PS_TRY(const ResourceArn parsed, ParseResourceArn(arn));
  if (parsed.kind != ResourceKind::kStream) return Invalid("StreamARN is not the ARN of a stream.");
  return FindLife(services, parsed.name, parsed.created);
}

}  // namespace penstock::server::aws::video
