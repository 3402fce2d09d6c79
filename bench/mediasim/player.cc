#include "bench/mediasim/player.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <sys/epoll.h>

namespace mediasim {

using penstock::Error;
using penstock::ErrorCode;
using penstock::Status;

namespace {

// The number behind the text in `all`, if that has it.
std::optional<uint64_t> NumberBehind(std::string_view all, std::string_view text) {
  const size_t at = all.find(text);
  if (at == std::string_view::npos) return std::nullopt;
  uint64_t number = 0;
  std::from_chars(all.data() + at + text.size(), all.data() + all.size(), number);
  return number;
}

template <class Take>
void EachUri(std::string_view list, Take take) {
  while (!list.empty()) {
    const std::string_view line = list.substr(0, list.find('\n'));
    list.remove_prefix(std::min(list.size(), line.size() + 1));
    if (!line.empty() && line[0] != '#') take(line);
  }
}

}  // namespace

Status Player::Start(const std::string& url, Time first) {
  constexpr std::string_view kScheme = "http://";
  const size_t slash = url.find('/', kScheme.size());
  if (!url.starts_with(kScheme) || slash == std::string::npos)
    return Error(ErrorCode::kInvalidArgument, url + ": no URL of ours");
  host_ = url.substr(kScheme.size(), slash - kScheme.size());
  master_ = url.substr(slash);
  const size_t file = master_.rfind('/', master_.find('?'));
  folder_ = master_.substr(0, file + 1);
  const auto port = NumberBehind(host_, ":");
  PS_TRY(connection_, Connection::Open(loop_, this, static_cast<uint16_t>(port.value_or(80))));
  loop_.At(first, this);
  return {};
}

Status Player::Get(const std::string& path, Awaits what) {
  awaits_ = what;
  asked_ = SteadyClock::now();
  return connection_.Write(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", path, host_));
}

Status Player::Due(Time now) {
  if (media_.empty()) return Get(master_, Awaits::kMaster);
  loop_.At(now + target_, this);
  // It is still getting what it knows of.
  if (reload_due_ && figures_.warm(now)) ++figures_.late;
  reload_due_ = true;
  return awaits_ == Awaits::kNothing ? GetNext() : Status();
}

Status Player::GetNext() {
  if (!segments_.empty()) {
    const std::string name = folder_ + segments_.front();
    segments_.pop_front();
    return Get(name, Awaits::kSegment);
  }
  if (!reload_due_) return {};
  reload_due_ = false;
  return Get(media_, Awaits::kMedia);
}

void Player::TakeMedia(std::string_view list) {
  target_ = std::chrono::seconds(NumberBehind(list, "#EXT-X-TARGETDURATION:").value_or(1));
  uint64_t number = NumberBehind(list, "#EXT-X-MEDIA-SEQUENCE:").value_or(0);
  EachUri(list, [&](std::string_view uri) {
    if (next_.value_or(0) <= number) segments_.emplace_back(uri);
    ++number;
  });
  // Players begin with the newest three.
  if (!next_)
    while (segments_.size() > 3) segments_.pop_front();
  next_ = number;
}

Status Player::Take(std::string_view body) {
  const Time now = SteadyClock::now();
  const Awaits had = std::exchange(awaits_, Awaits::kNothing);
  switch (had) {
    case Awaits::kMaster:
      EachUri(body, [&](std::string_view uri) { media_ = folder_ + std::string(uri); });
      reload_due_ = true;
      loop_.At(now + target_, this);
      break;
    case Awaits::kMedia:
      figures_.Took(figures_.playlist_ms, asked_, now);
      TakeMedia(body);
      break;
    case Awaits::kSegment:
      figures_.Took(figures_.fragment_ms, asked_, now);
      if (figures_.warm(asked_)) ++figures_.things;
      break;
    case Awaits::kNothing:
      return Error(ErrorCode::kInternal, "an answer that nobody asked for");
  }
  return GetNext();
}

Status Player::Ready(uint32_t events) {
  if ((events & EPOLLOUT) != 0) PS_TRY_VOID(connection_.Flush());
  PS_TRY(std::string_view bytes, connection_.Read());
  if (figures_.warm(SteadyClock::now())) figures_.bytes += bytes.size();
  while (!bytes.empty()) {
    if (!missing_) {
      const size_t had = head_.size();
      head_.append(bytes.substr(0, 16'384));
      const size_t end = head_.find("\r\n\r\n");
      if (end == std::string::npos) return {};
      bytes.remove_prefix(end + 4 - had);
      head_.resize(end);
      if (!head_.starts_with("HTTP/1.1 200")) return Error(ErrorCode::kUnavailable, head_);
      std::ranges::transform(head_, head_.begin(),
                             [](char c) { return c | ('A' <= c && c <= 'Z' ? 32 : 0); });
      missing_ = NumberBehind(head_, "content-length: ").value_or(0);
      head_.clear();
      body_.clear();
    }
    const std::string_view piece = bytes.substr(0, *missing_);
    if (awaits_ != Awaits::kSegment) body_.append(piece);
    bytes.remove_prefix(piece.size());
    *missing_ -= piece.size();
    if (*missing_ > 0) return {};
    missing_.reset();
    PS_TRY_VOID(Take(body_));
  }
  return {};
}

}  // namespace mediasim
