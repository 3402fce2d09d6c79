#include "server/notifications/verdict.h"

#include <fmt/format.h>

namespace penstock::server::notifications {
namespace {

std::string_view ReasonOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kUnauthenticated:
      return "certificate";
    case ErrorCode::kForbidden:
      return "not-allowed";
    case ErrorCode::kNotFound:
      return "name";
    case ErrorCode::kProtocol:
      return "protocol";
    default:
      return "unreachable";
  }
}

}  // namespace

Verdict Judge(const Result<OutgoingAnswer>& answer) {
  if (!answer.ok()) {
    const Error& error = answer.error();
    return Verdict{Verdict::Kind::kAgain, ReasonOf(error.code()), error.message()};
  }
  const int status = answer->status;
  if (status >= 200 && status < 300) return Verdict{Verdict::Kind::kDelivered, "", ""};
  std::string text = fmt::format("the webhook answers with HTTP {}", status);
  const bool passes = status >= 500 || status == 408 || status == 425 || status == 429;
  if (passes) return Verdict{Verdict::Kind::kAgain, "status", std::move(text)};
  if (status >= 300 && status < 400) text += ": redirects are not followed";
  return Verdict{Verdict::Kind::kRefused, "status", std::move(text)};
}

}  // namespace penstock::server::notifications
