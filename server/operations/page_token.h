// Tokens with which a client asks for the next page of a list: opaque to it, and everything to us.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::server::aws {

// Base64 of the kind of list and its fields. Fields hold no line break. A token is no secret and
// grants nothing: whoever shows one is authorised anew.
std::string MakePageToken(std::string_view kind, const std::vector<std::string>& fields);

// kInvalidArgument if it is not one of that kind with so many fields.
Result<std::vector<std::string>> ReadPageToken(std::string_view token, std::string_view kind,
                                               size_t fields);

}  // namespace penstock::server::aws
