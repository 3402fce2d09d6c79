#include "server/api/playback_response.h"

namespace penstock::server {

net::HttpResponse PlaybackResponse(playback::Resource resource) {
  net::HttpResponse response;
  response.headers.Set("Content-Type", resource.content_type);
  response.headers.Set("ETag", resource.etag);
  if (resource.immutable) {
    response.headers.Set("Cache-Control", "max-age=31536000, immutable");
    response.headers.Set("Accept-Ranges", "bytes");
  } else {
    response.headers.Set("Cache-Control", "no-cache");
    response.headers.Set("Penstock-Compress", "yes");
  }
  response.parts = std::move(resource.parts);
  return response;
}

void AllowAnyOrigin(net::HttpResponse& response) {
  response.headers.Set("Access-Control-Allow-Origin", "*");
  response.headers.Set("Access-Control-Expose-Headers",
                       "Content-Length, Content-Range, Date, ETag");
}

}  // namespace penstock::server
