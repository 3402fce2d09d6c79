#include <fmt/format.h>

#include "server/api/operations.h"
#include "server/page/assets.h"

namespace penstock::server {
namespace {

// Everything comes from here and runs from files: nothing inline, nothing foreign, nothing in a
// frame of somebody else's. blob: is how Media Source Extensions name themselves.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
    "'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

Outcome Send(std::string_view name) {
  const PageAsset* asset = FindPageAsset(name);
  if (asset == nullptr)
    return Error(ErrorCode::kNotFound, fmt::format("there is no asset {}", name));
  net::HttpResponse response;
  response.headers.Set("Content-Type", asset->content_type);
  response.headers.Set("Content-Security-Policy", kPolicy);
  response.headers.Set("Referrer-Policy", "no-referrer");
  response.headers.Set("Cross-Origin-Resource-Policy", "same-origin");
  // Checked at each load: after an update of the server the page is the new one.
  response.headers.Set("Cache-Control", "no-cache");
  response.headers.Set("ETag", asset->etag);
  response.headers.Set("Penstock-Compress", "yes");
  // Static memory needs no owner.
  response.parts.emplace_back(ByteChain(Bytes(nullptr, AsBytes(asset->bytes))));
  return response;
}

}  // namespace

Task<Outcome> Page(Services&, Call) { co_return Send("index.html"); }

Task<Outcome> Asset(Services&, Call call) { co_return Send(call.rest); }

}  // namespace penstock::server
