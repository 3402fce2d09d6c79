#include "ingest/rtsp/keep_alive.h"

#include <algorithm>

namespace penstock::ingest::rtsp {

void KeepAlive::OnPublic(const std::vector<std::string>& methods) {
  std::vector<std::string> listed;
  for (const std::string_view method : {"GET_PARAMETER", "OPTIONS", "SET_PARAMETER"}) {
    if (std::find(methods.begin(), methods.end(), method) != methods.end()) {
      listed.emplace_back(method);
    }
  }
  if (listed.empty()) return;
  candidates_ = std::move(listed);
  current_ = 0;
}

void KeepAlive::OnAnswer(int status) {
  // 401 is about the nonce, 454 about the session: the method itself was understood.
  if (status < 400 || status == 401 || status == 454) return;
  current_ = (current_ + 1) % candidates_.size();
}

std::chrono::milliseconds KeepAlive::interval() const {
  using std::chrono::milliseconds;
  return std::clamp<milliseconds>(milliseconds(timeout_) / 2, milliseconds(500),
                                  milliseconds(30'000));
}

}  // namespace penstock::ingest::rtsp
