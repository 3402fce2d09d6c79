#include "ingest/rtp/packet.h"

#include "base/byte_io.h"

namespace penstock::ingest::rtp {

Result<PacketHeader> ParsePacket(ByteSpan packet) {
  ByteReader reader(packet);
  const auto flags = reader.Be<uint8_t>();
  const auto type = reader.Be<uint8_t>();
  PacketHeader header;
  header.marker = (type & 0x80) != 0;
  header.payload_type = type & 0x7f;
  header.sequence = reader.Be<uint16_t>();
  header.timestamp = reader.Be<uint32_t>();
  header.ssrc = reader.Be<uint32_t>();
  reader.Skip(size_t{flags & 0x0fu} * 4);
  if ((flags & 0x10) != 0) {
    reader.Skip(2);
    const auto words = reader.Be<uint16_t>();
    reader.Skip(size_t{words} * 4);
  }
  if (!reader.ok()) return Error(ErrorCode::kProtocol, "RTP packet shorter than its header");
  if (flags >> 6 != 2) return Error(ErrorCode::kProtocol, "RTP version is not 2");
  header.payload_offset = packet.size() - reader.left();
  header.payload_size = reader.left();
  if ((flags & 0x20) != 0) {
    const size_t padding = packet.back();
    if (padding == 0 || padding > header.payload_size) {
      return Error(ErrorCode::kProtocol, "RTP padding longer than the payload");
    }
    header.payload_size -= padding;
  }
  return header;
}

bool LooksLikeRtcp(ByteSpan packet) {
  return packet.size() >= 2 && packet[0] >> 6 == 2 && packet[1] >= 192 && packet[1] <= 223;
}

}  // namespace penstock::ingest::rtp
