#include "server/page/assets.h"

#include <array>
#include <string>

#include <fmt/format.h>

#include "base/crc32c.h"

// The assembler copies each file into the read-only data as it is: no generated sources, nothing
// for the compiler to parse. The paths come from server/CMakeLists.txt, which also makes this file
// depend on them.
#define EMBED(symbol, path)                                                       \
  __asm__(".section .rodata\n.global " #symbol "\n" #symbol ":\n.incbin \"" path  \
          "\"\n.global " #symbol "_end\n" #symbol "_end:\n.byte 0\n.previous\n"); \
  extern "C" const char symbol[];                                                 \
  extern "C" const char symbol##_end[]

EMBED(penstock_page_html, PENSTOCK_PAGE_DIR "/index.html");
EMBED(penstock_page_css, PENSTOCK_PAGE_DIR "/page.css");
EMBED(penstock_page_app, PENSTOCK_PAGE_DIR "/app.js");
EMBED(penstock_page_api, PENSTOCK_PAGE_DIR "/api.js");
EMBED(penstock_page_player, PENSTOCK_PAGE_DIR "/player.js");
EMBED(penstock_page_share, PENSTOCK_PAGE_DIR "/share.js");
EMBED(penstock_page_timeline, PENSTOCK_PAGE_DIR "/timeline.js");
EMBED(penstock_page_format, PENSTOCK_PAGE_DIR "/format.js");
EMBED(penstock_page_icon, PENSTOCK_PAGE_DIR "/icon.svg");
EMBED(penstock_page_hls, PENSTOCK_HLS_JS);

namespace penstock::server {
namespace {

PageAsset Make(std::string_view name, std::string_view content_type, const char* begin,
               const char* end, std::string& etag) {
  const std::string_view bytes(begin, static_cast<size_t>(end - begin));
  etag = fmt::format("\"{:08x}-{:x}\"", Crc32c(AsBytes(bytes)), bytes.size());
  return PageAsset{name, content_type, bytes, etag};
}

constexpr std::string_view kScript = "text/javascript; charset=utf-8";

}  // namespace

const PageAsset* FindPageAsset(std::string_view name) {
  static std::array<std::string, 10> etags;
  static const std::array<PageAsset, 10> assets = {
      Make("index.html", "text/html; charset=utf-8", penstock_page_html, penstock_page_html_end,
           etags[0]),
      Make("page.css", "text/css; charset=utf-8", penstock_page_css, penstock_page_css_end,
           etags[1]),
      Make("app.js", kScript, penstock_page_app, penstock_page_app_end, etags[2]),
      Make("api.js", kScript, penstock_page_api, penstock_page_api_end, etags[3]),
      Make("player.js", kScript, penstock_page_player, penstock_page_player_end, etags[4]),
      Make("timeline.js", kScript, penstock_page_timeline, penstock_page_timeline_end, etags[5]),
      Make("format.js", kScript, penstock_page_format, penstock_page_format_end, etags[6]),
      Make("icon.svg", "image/svg+xml", penstock_page_icon, penstock_page_icon_end, etags[7]),
      Make("hls.js", kScript, penstock_page_hls, penstock_page_hls_end, etags[8]),
      Make("share.js", kScript, penstock_page_share, penstock_page_share_end, etags[9]),
  };
  for (const PageAsset& asset : assets) {
    if (asset.name == name) return &asset;
  }
  return nullptr;
}

}  // namespace penstock::server
