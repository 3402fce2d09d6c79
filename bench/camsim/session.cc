#include "bench/camsim/session.h"

#include <cerrno>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench/camsim/clock_faults.h"

namespace camsim {
namespace {

constexpr std::string_view kRealm = "camsim";
constexpr size_t kReadBytes = 16 * 1024;

// "…name=12-13…" in a Transport header.
std::optional<uint16_t> NumberAfter(std::string_view text, std::string_view name) {
  const size_t at = text.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  text.remove_prefix(at + name.size());
  uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

}  // namespace

Session::Session(const Studio& studio, Counts& counts, int fd, sockaddr_in peer)
    : studio_(studio),
      counts_(counts),
      fd_(fd),
      peer_(peer),
      id_(penstock::RandomU64()),
      nonce_(fmt::format("{:016x}", penstock::RandomU64())),
      random_(id_) {
  for (const ClipTrack& clip : studio.clip.tracks) {
    Track track{.clip = &clip};
    track.sequence = static_cast<uint16_t>(random_.Next());
    track.first_timestamp = static_cast<uint32_t>(random_.Next());
    track.ssrc = static_cast<uint32_t>(random_.Next());
    if (studio.faults.clock != nullptr && studio.faults.clock->wraps)
      track.first_timestamp = 0u - 10 * clip.clock_rate;
    tracks_.push_back(track);
  }
  ++counts_.sessions;
}

Session::~Session() { close(fd_); }

bool Session::Read() {
  char buffer[kReadBytes];
  const ssize_t count = recv(fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (count == 0) return false;
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  input_.append(buffer, static_cast<size_t>(count));
  while (!ending_) {
    auto request = TakeRequest(input_);
    if (!request.ok()) return false;
    if (!request->has_value()) break;
    if ((*request)->method.empty()) continue;  // a receiver's report
    if (!Answer(**request)) return false;
  }
  return !ending_ || !backlog_.empty();
}

bool Session::Answer(const Request& request) {
  if (request.method == "OPTIONS") {
    return Reply(
        request, "200 OK",
        "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, SET_PARAMETER, TEARDOWN\r\n");
  }
  if (!Authorized(request)) {
    return Reply(
        request, "401 Unauthorized",
        fmt::format("WWW-Authenticate: Digest realm=\"{}\", nonce=\"{}\"\r\n", kRealm, nonce_));
  }
  if (!IsOurs(PathOf(request.url))) return Reply(request, "404 Not Found");
  if (request.method == "DESCRIBE") return Describe(request);
  if (request.method == "SETUP") return SetUp(request);
  if (request.method == "PLAY") return Play(request);
  if (request.method == "GET_PARAMETER" || request.method == "SET_PARAMETER") {
    return Reply(request, "200 OK");
  }
  if (request.method == "TEARDOWN") {
    playing_ = false;
    ending_ = true;
    return Reply(request, "200 OK");
  }
  return Reply(request, "501 Not Implemented");
}

bool Session::Reply(const Request& request, std::string_view status, std::string_view headers,
                    std::string_view body) {
  std::string reply = fmt::format("RTSP/1.0 {}\r\nCSeq: {}\r\nServer: camsim\r\n{}", status,
                                  request.Header("cseq"), headers);
  if (!body.empty()) reply += fmt::format("Content-Length: {}\r\n", body.size());
  reply += "\r\n";
  reply += body;
  std::vector<iovec> parts = {{reply.data(), reply.size()}};
  return Write(parts);
}

bool Session::Authorized(const Request& request) const {
  return studio_.user.empty() ||
         DigestMatches(request, studio_.user, studio_.password, kRealm, nonce_);
}

bool Session::IsOurs(std::string_view path) const {
  uint32_t number = 0;
  if (!path.starts_with("/c")) return false;
  const auto [end, error] = std::from_chars(path.data() + 2, path.data() + path.size(), number);
  if (error != std::errc() || number >= studio_.cameras) return false;
  return end == path.data() + path.size() || *end == '/';
}

bool Session::Describe(const Request& request) {
  std::string sdp =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camsim\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n";
  for (size_t i = 0; i < tracks_.size(); ++i) {
    const ClipTrack& clip = *tracks_[i].clip;
    sdp += fmt::format("m={} 0 RTP/AVP {}\r\n{}a=control:track{}\r\n",
                       clip.codec == "AAC" ? "audio" : "video", clip.payload_type, clip.sdp, i);
  }
  const bool slash = request.url.ends_with('/');
  return Reply(request, "200 OK",
               fmt::format("Content-Base: {}{}\r\nContent-Type: application/sdp\r\n", request.url,
                           slash ? "" : "/"),
               sdp);
}

Session::Track* Session::FindTrack(std::string_view path) {
  const auto index = NumberAfter(path, "/track");
  return index && *index < tracks_.size() ? &tracks_[*index] : nullptr;
}

bool Session::SetUp(const Request& request) {
  Track* const track = FindTrack(PathOf(request.url));
  if (track == nullptr) return Reply(request, "404 Not Found");
  const std::string transport = request.Header("transport");
  const bool tcp = transport.find("RTP/AVP/TCP") != std::string::npos;
  if (tcp ? studio_.udp_only : studio_.tcp_only) return Reply(request, "461 Unsupported Transport");

  std::string chosen;
  if (tcp) {
    const auto index = static_cast<uint16_t>(track - tracks_.data());
    track->channel =
        static_cast<uint8_t>(NumberAfter(transport, "interleaved=").value_or(2 * index));
    chosen =
        fmt::format("RTP/AVP/TCP;unicast;interleaved={}-{}", track->channel, track->channel + 1);
  } else {
    const auto port = NumberAfter(transport, "client_port=");
    if (!port) return Reply(request, "461 Unsupported Transport");
    track->rtp = peer_;
    track->rtp.sin_port = htons(*port);
    track->rtcp = peer_;
    track->rtcp.sin_port = htons(static_cast<uint16_t>(*port + 1));
    chosen = fmt::format("RTP/AVP;unicast;client_port={}-{};server_port={}-{}", *port, *port + 1,
                         studio_.rtp_port, studio_.rtcp_port);
  }
  track->tcp = tcp;
  track->set_up = true;
  return Reply(request, "200 OK",
               fmt::format("Session: {:016x};timeout=60\r\nTransport: {};ssrc={:08X}\r\n", id_,
                           chosen, track->ssrc));
}

bool Session::Play(const Request& request) {
  std::string info;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    if (!tracks_[i].set_up) continue;
    info += fmt::format("{}url=track{};seq={};rtptime={}", info.empty() ? "" : ",", i,
                        tracks_[i].sequence, tracks_[i].first_timestamp);
  }
  if (info.empty()) return Reply(request, "455 Method Not Valid in This State");
  if (!playing_) {
    playing_ = true;
    started_ = SteadyClock::now();
    started_wall_us_ = std::chrono::duration_cast<std::chrono::microseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
    for (Track& track : tracks_) track.next_report = started_;
  }
  return Reply(request, "200 OK",
               fmt::format("Session: {:016x}\r\nRange: npt=now-\r\nRTP-Info: {}\r\n", id_, info));
}

bool Session::Flush() {
  const ssize_t count = send(fd_, backlog_.data(), backlog_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  backlog_.erase(0, static_cast<size_t>(count));
  return !ending_ || !backlog_.empty();
}

bool Session::Write(std::vector<iovec>& parts) {
  size_t sent = 0;
  if (backlog_.empty()) {
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const ssize_t count = sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return false;
    sent = count < 0 ? 0 : static_cast<size_t>(count);
  }
  for (const iovec& part : parts) {
    const size_t skip = std::min(sent, part.iov_len);
    backlog_.append(static_cast<const char*>(part.iov_base) + skip, part.iov_len - skip);
    sent -= skip;
  }
  return true;
}

}  // namespace camsim
