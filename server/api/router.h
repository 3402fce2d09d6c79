// Finds the operation a request asks for. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "server/api/operation.h"

namespace penstock::server {

struct Match {
  const Operation* operation = nullptr;
  std::optional<StreamName> stream;
  std::string rest;
};

// `path` is decoded and without a key in it. HEAD asks for GET's operation. kNotFound: no such
// path; kUnsupported: not with this method (the message lists the methods that would do);
// kInvalidArgument: a stream's name that cannot be one.
Result<Match> FindOperation(std::string_view method, std::string_view path);

}  // namespace penstock::server
