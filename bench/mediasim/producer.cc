#include "bench/mediasim/producer.h"

#include <array>
#include <charconv>

#include <fmt/format.h>
#include <sys/epoll.h>

#include "base/random.h"
#include "bench/mediasim/stamp.h"

namespace mediasim {

using penstock::Error;
using penstock::ErrorCode;
using penstock::Status;

namespace {

using std::chrono::milliseconds;

constexpr std::string_view kEbmlHead("\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska", 16);
// Segment of unknown size, Info (TimestampScale 1 ms), Tracks: number 1, video, H.264 and an avcC.
constexpr std::string_view kSegmentHead(
    "\x18\x53\x80\x67\xff"
    "\x15\x49\xa9\x66\x87\x2a\xd7\xb1\x83\x0f\x42\x40"
    "\x16\x54\xae\x6b\xb4\xae\xb2\xd7\x81\x01\x83\x81\x01\x86\x8fV_MPEG4/ISO/AVC"
    "\x63\xa2\x98\x01\x42\xc0\x0d\xff\xe1\x00\x09\x67\x42\xc0\x0d\xda\x05\x06\x7e\x5c\x01\x00\x04"
    "\x68\xce\x3c\x80",
    5 + 12 + 57);
// Tags > Tag > SimpleTag > TagName
constexpr std::string_view kEndTag(
    "\x12\x54\xc3\x67\xa9\x73\x73\xa6\x67\xc8\xa3\x45\xa3\xa0"
    "AWS_KINESISVIDEO_END_OF_FRAGMENT",
    14 + 32);
constexpr size_t kNalHead = 10;
constexpr std::string_view kKeySlice("\x65\x88\x84\x00\x10\x00", 6);
constexpr std::string_view kSlice("\x41\x9a\x02\x04\x10\x00", 6);

template <class Number>
void AppendBe(std::string& out, Number number) {
  for (size_t i = sizeof(number); i-- > 0;) out += static_cast<char>(number >> (8 * i));
}

const std::string& Noise() {
  static const std::string noise = [] {
    std::string out;
    penstock::Prng random(7);
    while (out.size() < size_t{8} << 20) AppendBe(out, random.Next());
    return out;
  }();
  return noise;
}

iovec Part(std::string_view bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

}  // namespace

Status Producer::Start(const std::string& stream, Time first) {
  PS_TRY(connection_, Connection::Open(loop_, this, options_.port));
  first_ = first;
  PS_TRY_VOID(connection_.Write(
      fmt::format("POST /putMedia HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nTransfer-Encoding: chunked\r\n"
                  "x-amzn-stream-name: {}\r\nx-amzn-fragment-timecode-type: ABSOLUTE\r\n\r\n",
                  options_.port, stream)));
  loop_.At(first_, this);
  return {};
}

// A key frame has as much as four others.
size_t Producer::FrameBytes(bool key) const {
  const size_t fragment = size_t{options_.kilobits_per_second} * 125 *
                          options_.frames_per_fragment / options_.frames_per_second;
  const size_t unit = fragment / (options_.frames_per_fragment + 3);
  return std::max<size_t>(key ? 4 * unit : unit, 100);
}

Status Producer::SendFrame(Time now) {
  const uint64_t in_fragment = frame_ % options_.frames_per_fragment;
  const bool key = in_fragment == 0;
  const bool last = in_fragment + 1 == options_.frames_per_fragment;
  const auto ms_of = [&](uint64_t frame) {
    return static_cast<int64_t>(frame * 1000 / options_.frames_per_second);
  };
  const int64_t timecode = options_.first_ms + ms_of(frame_ - in_fragment);
  const size_t bytes = FrameBytes(key);

  std::string head;
  if (frame_ == 0) head.append(kEbmlHead).append(kSegmentHead);
  if (key) {
    head.append("\x1f\x43\xb6\x75\xff\xe7\x88", 7);  // Cluster of unknown size, Timestamp
    AppendBe(head, static_cast<uint64_t>(timecode));
  }
  head.append("\xa3\x01", 2);  // SimpleBlock with a size of eight bytes
  const uint64_t block = 4 + bytes;
  for (size_t i = 7; i-- > 0;) head += static_cast<char>(block >> (8 * i));
  head += '\x81';
  AppendBe(head, static_cast<uint16_t>(ms_of(frame_) - ms_of(frame_ - in_fragment)));
  head += key ? '\x80' : '\x00';
  AppendBe(head, static_cast<uint32_t>(bytes - 4));
  head.append(key ? kKeySlice : kSlice);

  const std::string_view noise = std::string_view(Noise()).substr(
      frame_ * 7919 % (Noise().size() / 2), bytes - kNalHead - kStampBytes);
  const auto stamp = WriteStamp({.sent = now, .last = last});
  const std::string_view tail = last ? kEndTag : std::string_view();
  const std::string chunk =
      fmt::format("{:x}\r\n", head.size() + noise.size() + stamp.size() + tail.size());
  const std::array<iovec, 6> parts{Part(chunk), Part(head),
                                   Part(noise), Part({stamp.data(), stamp.size()}),
                                   Part(tail),  Part("\r\n")};
  PS_TRY_VOID(connection_.Write(parts));
  if (figures_.warm(now)) figures_.bytes += bytes;
  if (last) waiting_.push_back({timecode, now});
  ++frame_;
  return {};
}

Status Producer::SendFast() {
  const uint64_t end = uint64_t{options_.fragments} * options_.frames_per_fragment;
  while (frame_ < end && !connection_.backed_up()) PS_TRY_VOID(SendFrame(SteadyClock::now()));
  return {};
}

Status Producer::Due(Time now) {
  if (options_.fragments > 0) return SendFast();
  const auto time_of = [&](uint64_t frame) {
    return first_ + std::chrono::microseconds(frame * 1'000'000 / options_.frames_per_second);
  };
  while (time_of(frame_) <= now) {
    // A late frame is not made up for by an early one: its own time is when it is sent.
    PS_TRY_VOID(SendFrame(SteadyClock::now()));
  }
  loop_.At(time_of(frame_), this);
  return {};
}

Status Producer::Ready(uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    PS_TRY_VOID(connection_.Flush());
    if (options_.fragments > 0) PS_TRY_VOID(SendFast());
  }
  if ((events & ~uint32_t{EPOLLOUT}) == 0) return {};
  PS_TRY(const std::string_view bytes, connection_.Read());
  PS_TRY_VOID(TakeAcks(bytes));
  return {};
}

Status Producer::TakeAcks(std::string_view bytes) {
  if (!answer_.empty() || bytes.find('}') == std::string_view::npos) {
    answer_.append(bytes);
    bytes = answer_;
  }
  if (persisted_ == 0 && bytes.starts_with("HTTP/1.1 ") && !bytes.starts_with("HTTP/1.1 200"))
    return Error(ErrorCode::kUnavailable, std::string(bytes));
  size_t at = 0;
  for (size_t end; (end = bytes.find('}', at)) != std::string_view::npos; at = end + 1)
    PS_TRY_VOID(TakeAck(bytes.substr(at, end - at)));
  answer_ = std::string(bytes.substr(at));
  return {};
}

Status Producer::TakeAck(std::string_view ack) {
  if (ack.find("\"ERROR\"") != std::string_view::npos)
    return Error(ErrorCode::kUnavailable, std::string(ack));
  if (ack.find("\"PERSISTED\"") == std::string_view::npos) return {};
  constexpr std::string_view kMember = "\"FragmentTimecode\":";
  const size_t at = ack.find(kMember) + kMember.size();
  int64_t timecode = 0;
  std::from_chars(ack.data() + at, ack.data() + ack.size(), timecode);
  if (waiting_.empty() || waiting_.front().timecode != timecode)
    return Error(ErrorCode::kInternal, "acks out of order: " + std::string(ack));
  figures_.Took(figures_.fragment_ms, waiting_.front().sent, SteadyClock::now());
  waiting_.pop_front();
  ++persisted_;
  ++figures_.things;
  if (persisted_ == options_.fragments) {
    ++figures_.done;
    loop_.Stop();
  }
  return {};
}

}  // namespace mediasim
