#include "base/result.h"

#include <fmt/format.h>

namespace penstock {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "InvalidArgument";
    case ErrorCode::kUnauthenticated:
      return "Unauthenticated";
    case ErrorCode::kForbidden:
      return "Forbidden";
    case ErrorCode::kNotFound:
      return "NotFound";
    case ErrorCode::kAlreadyExists:
      return "AlreadyExists";
    case ErrorCode::kConflict:
      return "Conflict";
    case ErrorCode::kTooLarge:
      return "TooLarge";
    case ErrorCode::kThrottled:
      return "Throttled";
    case ErrorCode::kUnsupported:
      return "Unsupported";
    case ErrorCode::kProtocol:
      return "Protocol";
    case ErrorCode::kFenced:
      return "Fenced";
    case ErrorCode::kTrimmed:
      return "Trimmed";
    case ErrorCode::kFull:
      return "Full";
    case ErrorCode::kCorruption:
      return "Corruption";
    case ErrorCode::kIo:
      return "Io";
    case ErrorCode::kUnavailable:
      return "Unavailable";
    case ErrorCode::kTimeout:
      return "Timeout";
    case ErrorCode::kCancelled:
      return "Cancelled";
    case ErrorCode::kClosed:
      return "Closed";
    case ErrorCode::kInternal:
      return "Internal";
  }
  return "Unknown";
}

std::string Error::ToString() const {
  return fmt::format("{}: {}", ErrorCodeName(code_), message_);
}

}  // namespace penstock
