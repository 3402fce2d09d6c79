// The half of Session that sends media.
#include <algorithm>
#include <array>
#include <climits>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/byte_io.h"
#include "bench/camsim/clock_faults.h"
#include "bench/camsim/session.h"

namespace camsim {
namespace {

constexpr auto kReportInterval = std::chrono::seconds(5);
// What a client may lag behind before it loses frames: two seconds of 4 Mbit/s.
constexpr size_t kBacklogBytesMax = 1 << 20;
constexpr size_t kPacketsPerCall = 256;

void Put16(uint8_t* at, uint16_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

void Put32(uint8_t* at, uint32_t value) {
  Put16(at, static_cast<uint16_t>(value >> 16));
  Put16(at + 2, static_cast<uint16_t>(value));
}

// Microseconds since 1970, as NTP writes them.
uint64_t ToNtp(int64_t us) {
  constexpr int64_t kSecondsFrom1900To1970 = 2'208'988'800;
  const auto fraction = (static_cast<uint64_t>(us % 1'000'000) << 32) / 1'000'000;
  return static_cast<uint64_t>(us / 1'000'000 + kSecondsFrom1900To1970) << 32 | fraction;
}

void SendDatagrams(int socket, sockaddr_in& to, std::vector<iovec>& packets) {
  std::array<mmsghdr, kPacketsPerCall> messages{};
  for (size_t at = 0; at < packets.size(); at += messages.size()) {
    const size_t count = std::min(messages.size(), packets.size() - at);
    for (size_t i = 0; i < count; ++i) {
      messages[i].msg_hdr = {};
      messages[i].msg_hdr.msg_name = &to;
      messages[i].msg_hdr.msg_namelen = sizeof(to);
      messages[i].msg_hdr.msg_iov = &packets[at + i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    // What the kernel does not take is lost, as on a network.
    (void)sendmmsg(socket, messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
  }
}

}  // namespace

Time Session::DueTime(const Track& track) const {
  const uint64_t ticks = track.next_frame * track.clip->ticks_per_frame;
  return started_ + std::chrono::nanoseconds(ticks * 1'000'000 / track.clip->clock_rate * 1000);
}

uint32_t Session::Stamp(const Track& track, uint64_t ticks) const {
  const ClockFault* const fault = studio_.faults.clock;
  if (fault == nullptr) return static_cast<uint32_t>(track.first_timestamp + ticks);
  const auto rate = static_cast<int64_t>(track.clip->clock_rate);
  const int64_t us = static_cast<int64_t>(ticks) * 1'000'000 / rate;
  const int64_t shown = fault->stamp(track.clip->codec != "AAC", us);
  // Whole ticks where the clock is right.
  const int64_t off = (shown - us) * rate / 1'000'000;
  return static_cast<uint32_t>(track.first_timestamp + static_cast<int64_t>(ticks) + off);
}

// Audio goes along with the next picture: one wake-up for both. Without video it has its own time.
Time Session::due() const {
  const auto first =
      std::find_if(tracks_.begin(), tracks_.end(), [](const Track& track) { return track.set_up; });
  Time due = DueTime(*first);
  if (studio_.faults.close_after_seconds) {
    due = std::min(due, started_ + std::chrono::seconds(*studio_.faults.close_after_seconds));
  }
  return due;
}

bool Session::SendDue(Time now) {
  const auto& close_after = studio_.faults.close_after_seconds;
  if (close_after && now >= started_ + std::chrono::seconds(*close_after)) return false;
  for (Track& track : tracks_) {
    if (!track.set_up) continue;
    if (now >= track.next_report && !SendReport(track, now)) return false;
    while (DueTime(track) <= now) {
      const auto& frames = track.clip->frames;
      if (!IsSilent(track, frames[track.next_frame % frames.size()], now) && !SendFrame(track)) {
        return false;
      }
      ++track.next_frame;
    }
  }
  return true;
}

bool Session::IsSilent(const Track& track, const ClipTrack::Frame& frame, Time now) const {
  const Faults& faults = studio_.faults;
  if (track.clip->codec == "AAC") return faults.silent_audio;
  if (faults.no_key_frames && frame.key) return true;
  const auto& stall = faults.stall_video_after_seconds;
  return stall && now >= started_ + std::chrono::seconds(*stall);
}

bool Session::SendFrame(Track& track) {
  const ClipTrack& clip = *track.clip;
  const ClipTrack::Frame& frame = clip.frames[track.next_frame % clip.frames.size()];
  const bool video = clip.codec != "AAC";
  if (track.tcp && backlog_.size() > kBacklogBytesMax) {
    track.sequence = static_cast<uint16_t>(track.sequence + frame.packets);
    ++counts_.frames_lost;
    return true;
  }
  const uint32_t timestamp = Stamp(track, track.next_frame * clip.ticks_per_frame);
  const size_t skip = track.tcp ? 0 : kInterleavedHeaderBytes;
  std::vector<iovec> parts;
  parts.reserve(frame.packets);
  for (uint32_t i = 0; i < frame.packets; ++i) {
    const ClipTrack::Packet& packet = clip.packets[frame.first_packet + i];
    uint8_t* const start = clip.wire.data() + packet.offset;
    uint8_t* const rtp = start + kInterleavedHeaderBytes;
    start[1] = track.channel;
    Put16(rtp + 2, track.sequence++);
    Put32(rtp + 4, timestamp);
    Put32(rtp + 8, track.ssrc);
    if (video) ++video_packets_;
    const Faults& faults = studio_.faults;
    if (video && faults.drop_every > 0 && video_packets_ % faults.drop_every == 0) continue;
    ++track.packets;
    track.bytes += packet.bytes - kInterleavedHeaderBytes - kRtpHeaderBytes;
    parts.push_back({start + skip, packet.bytes - skip});
    if (video && faults.reorder_every > 0 && video_packets_ % faults.reorder_every == 1 &&
        parts.size() > 1) {
      std::swap(parts[parts.size() - 1], parts[parts.size() - 2]);
    }
  }
  ++counts_.frames;
  if (!track.tcp) {
    SendDatagrams(studio_.rtp_socket, track.rtp, parts);
    return true;
  }
  // Neighbours in memory are one part for the kernel.
  std::vector<iovec> merged;
  for (const iovec& part : parts) {
    if (!merged.empty() &&
        static_cast<uint8_t*>(merged.back().iov_base) + merged.back().iov_len == part.iov_base) {
      merged.back().iov_len += part.iov_len;
    } else {
      merged.push_back(part);
    }
    if (merged.size() == IOV_MAX) {
      if (!Write(merged)) return false;
      merged.clear();
    }
  }
  return merged.empty() || Write(merged);
}

bool Session::SendReport(Track& track, Time now) {
  track.next_report = now + kReportInterval;
  const int64_t elapsed_us =
      std::chrono::duration_cast<std::chrono::microseconds>(now - started_).count();
  constexpr uint8_t kSenderReport = 200;
  constexpr uint16_t kBytes = 28;
  penstock::ByteWriter report;
  report.Be<uint8_t>('$');
  report.Be<uint8_t>(static_cast<uint8_t>(track.channel + 1));
  report.Be<uint16_t>(kBytes);
  report.Be<uint8_t>(0x80);
  report.Be<uint8_t>(kSenderReport);
  report.Be<uint16_t>(kBytes / 4 - 1);
  report.Be<uint32_t>(track.ssrc);
  const auto* const fault = studio_.faults.clock;
  const std::optional<int64_t> off = fault == nullptr ? 0 : fault->wall(elapsed_us);
  report.Be<uint64_t>(off ? ToNtp(started_wall_us_ + elapsed_us + *off) : 0);
  report.Be<uint32_t>(
      Stamp(track, static_cast<uint64_t>(elapsed_us) * track.clip->clock_rate / 1'000'000));
  report.Be<uint32_t>(track.packets);
  report.Be<uint32_t>(track.bytes);
  auto& bytes = report.buffer();
  const size_t skip = track.tcp ? 0 : kInterleavedHeaderBytes;
  std::vector<iovec> parts = {{bytes.data() + skip, bytes.size() - skip}};
  if (track.tcp) return Write(parts);
  SendDatagrams(studio_.rtcp_socket, track.rtcp, parts);
  return true;
}

}  // namespace camsim
