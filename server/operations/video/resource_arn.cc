#include "server/operations/video/resource_arn.h"

#include <charconv>

#include <fmt/format.h>

#include "server/wire/patterns.h"

namespace penstock::server::aws::video {

std::string_view ResourceKindName(ResourceKind kind) {
  return kind == ResourceKind::kStream ? "stream" : "channel";
}

Result<ResourceArn> ParseResourceArn(std::string_view text) {
  const Error no_arn(ErrorCode::kInvalidArgument,
                     "This is the ARN of neither a stream nor a signaling channel.");
  if (!wire::IsVideoArn(text)) return no_arn;
  const size_t slash = text.find('/');
  const size_t last = text.rfind('/');
  std::string_view word = text.substr(0, slash);
  word.remove_prefix(word.rfind(':') + 1);
  ResourceKind kind = ResourceKind::kStream;
  if (word == ResourceKindName(ResourceKind::kChannel)) {
    kind = ResourceKind::kChannel;
  } else if (word != ResourceKindName(ResourceKind::kStream)) {
    return no_arn;
  }
  const std::string_view stamp = text.substr(last + 1);
  int64_t ms = 0;
  const auto [end, failure] = std::from_chars(stamp.data(), stamp.data() + stamp.size(), ms);
  if (failure != std::errc() || end != stamp.data() + stamp.size()) return no_arn;
  PS_TRY(StreamName name, StreamName::Parse(text.substr(slash + 1, last - slash - 1)));
  return ResourceArn{kind, std::move(name), ServerTimeFromMs(ms)};
}

std::string FormatResourceArn(const Context& context, const ResourceArn& arn) {
  return fmt::format("arn:aws:kinesisvideo:{}:{}:{}/{}/{}", context.region, context.account,
                     ResourceKindName(arn.kind), arn.name.text(), ToMs(arn.created));
}

}  // namespace penstock::server::aws::video
