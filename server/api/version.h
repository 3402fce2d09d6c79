#pragma once

#include <string_view>

namespace penstock::server {

// "0.1.0", from CMake.
std::string_view Version();

}  // namespace penstock::server
