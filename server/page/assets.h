// The page's files, inside the program.
#pragma once

#include <string_view>

namespace penstock::server {

struct PageAsset {
  std::string_view name;  // "app.js"
  std::string_view content_type;
  std::string_view bytes;
  std::string_view etag;  // quoted; changes with the bytes
};

// nullptr if there is none of that name.
const PageAsset* FindPageAsset(std::string_view name);

}  // namespace penstock::server
