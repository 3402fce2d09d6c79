// Who is trusted without a key: this machine's user, and nobody whom a browser or a proxy carries
// here.
#pragma once

#include <string_view>

#include "net/http/http.h"

namespace penstock::server {

// "localhost", 127.0.0.0/8 or ::1, each with or without a port. Names that merely resolve to
// loopback are not among them: a web page could own such a name (DNS rebinding).
bool IsLoopbackHost(std::string_view host);

// The rule of docs/design (trust): loopback peer, and loopback Host, and no Forwarded or
// X-Forwarded-* field nor another that only proxies send, and no Origin or that of the same host,
// and no browser that says it asks for another site (Sec-Fetch-Site, Referer), and not HTTP/1.0,
// which is how proxies speak that say nothing of themselves. A proxy that speaks HTTP/1.1 and adds
// nothing cannot be told from its own machine's user when no browser is behind it. Requests over
// the Unix-domain socket are trusted: its file's mode is the key.
bool IsTrusted(const net::HttpRequest& request);

}  // namespace penstock::server
