// The way of a request of Amazon's APIs: signature, body, table, key, work, answer.
#pragma once

#include <string>
#include <string_view>

#include "net/http/http.h"
#include "server/api/services.h"

namespace penstock::server::aws {

// A path of these APIs, or a request that is signed as theirs are.
bool IsForUs(const net::HttpRequest& request);

// Never fails; `caller` becomes the key's name. services outlive the call.
Task<net::HttpResponse> Dispatch(Services& services, net::HttpRequest request, std::string& caller);

// The services' form of a request's id: a random UUID.
std::string NewRequestId();

}  // namespace penstock::server::aws
