// A server on loopback that notes what it is asked and answers what it was told to.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http/server.h"
#include "server/outgoing/outgoing.h"

namespace penstock::server {

class Hook {
 public:
  struct Seen {
    std::string method;
    std::string target;
    net::Headers headers;
    std::string body;
  };

  explicit Hook(net::EventLoops& loops)
      : server_(loops,
                [this](net::HttpRequest request) { return Handle(this, std::move(request)); }) {
    endpoint_ = server_.Listen("127.0.0.1", 0).value();
  }
  ~Hook() { server_.Stop(std::chrono::milliseconds(0)); }

  std::string Url(std::string_view path) const {
    return "http://" + endpoint_.ToString() + std::string(path);
  }
  // The next answers, in order; then 200 again, or what Always says.
  void Answer(int status, std::string text = "") {
    const std::lock_guard lock(mutex_);
    answers_.emplace_back(status, std::move(text));
  }
  void Always(int status) {
    const std::lock_guard lock(mutex_);
    always_ = status;
  }
  void Redirect(std::string location) {
    const std::lock_guard lock(mutex_);
    location_ = std::move(location);
  }
  // All so far, when there are so many. Half a minute is never needed.
  std::vector<Seen> WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(30), [&] { return seen_.size() >= count; }))
        << seen_.size() << " of " << count;
    if (seen_.size() < count) seen_.resize(count);
    return seen_;
  }
  std::vector<std::string> Bodies(size_t count) {
    std::vector<std::string> out;
    for (Seen& seen : WaitFor(count)) out.push_back(std::move(seen.body));
    return out;
  }

 private:
  static Task<net::HttpResponse> Handle(Hook* self, net::HttpRequest request) {
    auto body = co_await net::ReadAll(request.body, 1u << 20);
    if (!body.ok()) co_return net::ErrorResponse(400, "cut");
    Seen seen{request.method, request.target, request.headers, std::move(*body)};
    const std::lock_guard lock(self->mutex_);
    self->seen_.push_back(std::move(seen));
    std::pair<int, std::string> answer(self->always_, "");
    if (!self->answers_.empty()) {
      answer = std::move(self->answers_.front());
      self->answers_.pop_front();
    }
    self->changed_.notify_all();
    net::HttpResponse response(answer.first, "text/plain", std::move(answer.second));
    if (!self->location_.empty()) response.headers.Set("Location", self->location_);
    co_return response;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<int, std::string>> answers_;
  int always_ = 200;
  std::string location_;
  std::vector<Seen> seen_;
  net::HttpServer server_;
  net::Endpoint endpoint_;
};

class HookTest : public ::testing::Test {
 protected:
  net::EventLoops loops_{2};
  Outgoing outgoing_{loops_, net::SystemTlsTrust()};
  Hook hook_{loops_};
};

}  // namespace penstock::server
