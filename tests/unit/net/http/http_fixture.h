// A server on loopback and a client that knows nothing of our code: plain blocking sockets.
#pragma once

#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/http/server.h"

namespace penstock::net {

class RawClient {
 public:
  explicit RawClient(uint16_t port, int receive_buffer = 0)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    // A server that never answers fails the test instead of hanging it.
    const timeval patience{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    // Pieces go out as they are sent, not when the last one was acknowledged.
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer > 0)
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawClient() { Close(); }
  RawClient(const RawClient&) = delete;

  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  // The kernel sends a reset instead of an orderly end.
  void Reset() {
    const linger now{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    Close();
  }
  void FinishSending() { shutdown(fd_, SHUT_WR); }
  bool Send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // What has not been used by ReadResponse, and everything until the server's end.
  std::string ReadToEnd() {
    while (More()) {
    }
    return std::exchange(buffer_, {});
  }
  bool ReadUntil(std::string_view text) {
    while (buffer_.find(text) == std::string::npos) {
      if (!More()) return false;
    }
    return true;
  }
  struct Response {
    std::string head;
    std::string body;
  };
  // By Content-Length; without one there is no body.
  Response ReadResponse(bool head_only = false) {
    Response out;
    if (!ReadUntil("\r\n\r\n")) return out;
    out.head = Take(buffer_.find("\r\n\r\n") + 4);
    const size_t at = out.head.find("Content-Length: ");
    if (at == std::string::npos || head_only) return out;
    const size_t length = std::stoul(out.head.substr(at + 16));
    while (buffer_.size() < length && More()) {
    }
    out.body = Take(std::min(length, buffer_.size()));
    return out;
  }

 private:
  bool More() {
    char block[65536];
    const ssize_t got = recv(fd_, block, sizeof block, 0);
    if (got <= 0) return false;
    buffer_.append(block, static_cast<size_t>(got));
    return true;
  }
  std::string Take(size_t bytes) {
    std::string out = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return out;
  }

  int fd_;
  std::string buffer_;
};

class HttpTest : public ::testing::Test {
 protected:
  void StartServer(HttpHandler handler, HttpServerOptions options = {}) {
    server_ = std::make_unique<HttpServer>(loops_, std::move(handler), options);
    local_ = server_->Listen("127.0.0.1", 0).value();
  }
  ~HttpTest() override {
    if (server_) server_->Stop(std::chrono::seconds(10));
  }
  uint16_t port() const { return local_.port; }
  // The whole conversation: what is sent, then everything until the server closes.
  std::string Talk(std::string_view text) {
    RawClient client(port());
    client.Send(text);
    return client.ReadToEnd();
  }
  static int StatusOf(const std::string& answer) {
    return answer.size() < 12 ? 0 : std::atoi(answer.substr(9, 3).c_str());
  }

  EventLoops loops_{2};
  std::unique_ptr<HttpServer> server_;
  Endpoint local_;
};

// Gives back what it got: method, path, body.
inline Task<HttpResponse> Echo(HttpRequest request) {
  Result<std::string> body = co_await ReadAll(request.body, 1u << 20);
  if (!body.ok()) {
    const int status = body.error().code() == ErrorCode::kTooLarge ? 413 : 400;
    co_return ErrorResponse(status, body.error().message());
  }
  std::string text = request.method + " " + request.path + " " + *body;
  co_return HttpResponse(200, "text/plain", std::move(text));
}

}  // namespace penstock::net
