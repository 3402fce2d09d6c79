#include "server/operations/video/stream_arn.h"

#include <charconv>

#include <fmt/format.h>

#include "server/wire/patterns.h"

namespace penstock::server::aws::video {

Result<StreamArn> ParseStreamArn(std::string_view text) {
  constexpr std::string_view kKind = ":stream/";
  const Error no_arn(ErrorCode::kInvalidArgument, "StreamARN is not the ARN of a stream.");
  const size_t kind = text.find(kKind);
  if (!wire::IsVideoArn(text) || kind == std::string_view::npos) return no_arn;
  const std::string_view rest = text.substr(kind + kKind.size());
  const size_t slash = rest.find('/');
  const std::string_view stamp = rest.substr(slash + 1);
  int64_t ms = 0;
  const auto [end, failure] = std::from_chars(stamp.data(), stamp.data() + stamp.size(), ms);
  if (failure != std::errc() || end != stamp.data() + stamp.size()) return no_arn;
  PS_TRY(StreamName name, StreamName::Parse(rest.substr(0, slash)));
  return StreamArn{std::move(name), ServerTimeFromMs(ms)};
}

std::string FormatStreamArn(const Context& context, const StreamArn& arn) {
  return fmt::format("arn:aws:kinesisvideo:{}:{}:stream/{}/{}", context.region, context.account,
                     arn.name.text(), ToMs(arn.created));
}

}  // namespace penstock::server::aws::video
