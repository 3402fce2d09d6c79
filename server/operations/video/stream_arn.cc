#include "server/operations/video/stream_arn.h"

#include "server/operations/video/resource_arn.h"

namespace penstock::server::aws::video {

Result<StreamArn> ParseStreamArn(std::string_view text) {
  auto arn = ParseResourceArn(text);
  if (!arn.ok() || arn->kind != ResourceKind::kStream)
    return Error(ErrorCode::kInvalidArgument, "StreamARN is not the ARN of a stream.");
  return StreamArn{std::move(arn->name), arn->created};
}

std::string FormatStreamArn(const Context& context, const StreamArn& arn) {
  return FormatResourceArn(context, ResourceArn{ResourceKind::kStream, arn.name, arn.created});
}

}  // namespace penstock::server::aws::video
