// REST with JSON bodies, as the video services speak it: an object in, an object out in one piece.
#pragma once

#include "base/json.h"
#include "net/http/http.h"

namespace penstock::server::wire {

// An absent body is an empty object. kProtocol if it is no JSON object.
Result<Json> ParseBody(std::string_view text);

// Status 200. Content type and length are set, nothing is compressed: some clients read the head
// and the body with one call and unpack nothing.
net::HttpResponse JsonAnswer(const Json& output);

}  // namespace penstock::server::wire
