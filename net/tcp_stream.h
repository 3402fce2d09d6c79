// The one implementation of TcpStream, for what makes streams. Internal to net.
#pragma once

#include <memory>

#include "net/tcp.h"

namespace penstock::net {

// Takes ownership of a connected, non-blocking stream socket.
std::unique_ptr<TcpStream> MakeTcpStream(EventLoop& loop, int fd, Endpoint peer);

// What every TCP socket of ours is told: no delay for small writes, and vanished peers are noticed.
// Accepted sockets inherit it from their listener.
void SetTcpOptions(int fd);

}  // namespace penstock::net
