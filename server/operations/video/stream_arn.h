// The long name of a stream: it names one life of it, from a creation to a deletion.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "server/operations/aws_context.h"

namespace penstock::server::aws::video {

struct StreamArn {
  StreamName name;
  ServerTime created;
};

// kInvalidArgument for text that is no stream's ARN. Region and account are not compared: what they
// were called when an ARN was noted down does not change what it names.
Result<StreamArn> ParseStreamArn(std::string_view text);

// arn:aws:kinesisvideo:<region>:<account>:stream/<name>/<created, ms since 1970>
std::string FormatStreamArn(const Context& context, const StreamArn& arn);

}  // namespace penstock::server::aws::video
