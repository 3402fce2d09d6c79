// How often a change of a catalog entry is tried again because somebody else's came first.
#pragma once

#include "base/result.h"

namespace penstock::server::aws::video {

// Each failure is another's success; so many in a row need as many callers at the same instant.
inline constexpr int kCatalogAttempts = 16;

inline Error ChangesTooOften() {
  return Error(ErrorCode::kUnavailable, "it is being changed by too many at once");
}

}  // namespace penstock::server::aws::video
