// What playback gives, as an answer.
#pragma once

#include "net/http/http.h"
#include "playback/resource.h"

namespace penstock::server {

// Requires a resource that has not moved.
net::HttpResponse PlaybackResponse(playback::Resource resource);

// Any page may play: what protects a stream is its key, never the browser's origin rules.
void AllowAnyOrigin(net::HttpResponse& response);

}  // namespace penstock::server
