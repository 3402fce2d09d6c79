// Tells systemd how the server is (sd_notify(3), the protocol of NOTIFY_SOCKET).
#pragma once

#include <string_view>

namespace penstock::server {

// Sends one state ("READY=1", "STATUS=text"; no newline within). Best effort: does nothing if no
// service manager listens.
void TellServiceManager(std::string_view state);

}  // namespace penstock::server
