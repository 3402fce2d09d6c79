#include "bench/mediasim/consumer.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include "bench/mediasim/stamp.h"

namespace mediasim {

using penstock::Error;
using penstock::ErrorCode;
using penstock::Status;

Status Consumer::Start(uint16_t port, const std::string& stream, const std::string& from) {
  PS_TRY(connection_, Connection::Open(loop_, this, port));
  const std::string body = fmt::format(
      R"({{"StreamName":"{}","StartSelector":{{"StartSelectorType":"{}"}}}})", stream, from);
  return connection_.Write(
      fmt::format("POST /getMedia HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: "
                  "application/json\r\nContent-Length: {}\r\n\r\n{}",
                  port, body.size(), body));
}

Status Consumer::Ready(uint32_t events) {
  if ((events & EPOLLOUT) != 0) PS_TRY_VOID(connection_.Flush());
  PS_TRY(const std::string_view bytes, connection_.Read());
  if (bytes.empty()) return {};
  const Time now = SteadyClock::now();
  if (!answered_ && !bytes.starts_with("HTTP/1.1 200"))
    return Error(ErrorCode::kUnavailable, std::string(bytes.substr(0, 1000)));
  answered_ = true;
  if (figures_.warm(now)) figures_.bytes += bytes.size();
  if (!ages_) return {};
  std::string joined;
  std::string_view all = bytes;
  if (!rest_.empty()) {
    joined = rest_ + std::string(bytes);
    all = joined;
  }
  const size_t end = ReadStamps(all, [&](const Stamp& stamp) {
    ++figures_.things;
    figures_.Took(figures_.frame_ms, stamp.sent, now);
    if (stamp.last) figures_.Took(figures_.fragment_ms, stamp.sent, now);
  });
  rest_ = std::string(all.substr(end));
  return {};
}

}  // namespace mediasim
