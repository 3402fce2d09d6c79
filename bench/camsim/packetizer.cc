#include "bench/camsim/packetizer.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace camsim {

using penstock::ByteSpan;

namespace {
// An Ethernet frame less IP, UDP and RTP headers, and some room, as cameras leave it.
constexpr size_t kPayloadBytesMax = 1400;
constexpr uint8_t kMarker = 0x80;
}  // namespace

void Packetizer::OpenFrame() {
  track_.frames.push_back(
      {.first_packet = static_cast<uint32_t>(track_.packets.size()), .packets = 0, .key = false});
}

void Packetizer::AddPacket(ByteSpan head, ByteSpan payload) {
  const size_t rtp_bytes = kRtpHeaderBytes + head.size() + payload.size();
  CHECK(rtp_bytes <= UINT16_MAX);
  auto& wire = track_.wire;
  track_.packets.push_back({.offset = static_cast<uint32_t>(wire.size()),
                            .bytes = static_cast<uint32_t>(kInterleavedHeaderBytes + rtp_bytes)});
  // Channel, sequence number, timestamp and SSRC are the session's.
  const std::array<uint8_t, kInterleavedHeaderBytes + kRtpHeaderBytes> header = {
      '$',
      0,
      static_cast<uint8_t>(rtp_bytes >> 8),
      static_cast<uint8_t>(rtp_bytes),
      0x80,
      track_.payload_type};
  wire.insert(wire.end(), header.begin(), header.end());
  wire.insert(wire.end(), head.begin(), head.end());
  wire.insert(wire.end(), payload.begin(), payload.end());
  ++track_.frames.back().packets;
}

void Packetizer::AddFragments(ByteSpan header, uint8_t type, ByteSpan payload) {
  constexpr uint8_t kStart = 0x80;
  constexpr uint8_t kEnd = 0x40;
  std::vector<uint8_t> head(header.begin(), header.end());
  head.push_back(0);
  const size_t step = kPayloadBytesMax - head.size();
  for (size_t at = 0; at < payload.size(); at += step) {
    const ByteSpan part = payload.subspan(at, std::min(step, payload.size() - at));
    head.back() = type;
    if (at == 0) head.back() |= kStart;
    if (at + part.size() == payload.size()) head.back() |= kEnd;
    AddPacket(head, part);
  }
}

void Packetizer::AddH264Nal(ByteSpan nal) {
  if (nal.size() <= kPayloadBytesMax) return AddPacket({}, nal);
  constexpr uint8_t kFuA = 28;
  const uint8_t indicator = static_cast<uint8_t>((nal[0] & 0xE0) | kFuA);
  AddFragments(ByteSpan(&indicator, 1), nal[0] & 0x1F, nal.subspan(1));
}

void Packetizer::AddH265Nal(ByteSpan nal) {
  if (nal.size() <= kPayloadBytesMax) return AddPacket({}, nal);
  constexpr uint8_t kFu = 49;
  const std::array<uint8_t, 2> header = {static_cast<uint8_t>((nal[0] & 0x81) | kFu << 1), nal[1]};
  AddFragments(header, nal[0] >> 1 & 0x3F, nal.subspan(2));
}

void Packetizer::AddAac(ByteSpan frame) {
  // One AU header of 16 bits: 13 of size, 3 of index.
  const auto size = static_cast<uint16_t>(frame.size() << 3);
  const std::array<uint8_t, 4> head = {0, 16, static_cast<uint8_t>(size >> 8),
                                       static_cast<uint8_t>(size)};
  AddPacket(head, frame);
}

void Packetizer::CloseFrame() {
  CHECK(track_.frames.back().packets > 0);
  track_.wire[track_.packets.back().offset + kInterleavedHeaderBytes + 1] |= kMarker;
}

}  // namespace camsim
