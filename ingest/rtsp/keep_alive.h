// How a session is kept alive: by which request, and how often.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::ingest::rtsp {

class KeepAlive {
 public:
  // What the camera listed in Public; nothing if it did not say.
  void OnPublic(const std::vector<std::string>& methods);
  void OnSession(std::chrono::seconds timeout) { timeout_ = timeout; }
  // An answer to a keep-alive: a method that is not understood gives way to the next.
  void OnAnswer(int status);

  std::string_view method() const { return candidates_[current_]; }
  // Half of the session's timeout, but at most 30 s: more traffic than that costs nothing, and
  // routers forget idle connections.
  std::chrono::milliseconds interval() const;

 private:
  // GET_PARAMETER is meant for it (RFC 2326, 10.8) but many cameras do not know it; all know
  // OPTIONS, though some do not count it.
  std::vector<std::string> candidates_ = {"OPTIONS", "GET_PARAMETER", "SET_PARAMETER"};
  size_t current_ = 0;
  std::chrono::seconds timeout_{60};
};

}  // namespace penstock::ingest::rtsp
