// The header of an RTP packet (RFC 3550, section 5.1), read in place.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::ingest::rtp {

struct PacketHeader {
  uint8_t payload_type = 0;
  bool marker = false;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 0;
  // Where the payload lies in the packet: after contributing sources and extension, before the
  // padding.
  size_t payload_offset = 0;
  size_t payload_size = 0;
};

// kProtocol for what is no RTP version 2 packet, or whose parts do not fit into it.
Result<PacketHeader> ParsePacket(ByteSpan packet);

// RTP and RTCP on one channel are told apart by the second byte (RFC 5761, section 4).
bool LooksLikeRtcp(ByteSpan packet);

}  // namespace penstock::ingest::rtp
