#include "playback/ts/tables.h"

#include "base/byte_io.h"

namespace penstock::playback::ts {
namespace {

constexpr uint8_t kPatTable = 0;
constexpr uint8_t kPmtTable = 2;
constexpr uint16_t kTheOnly = 1;  // transport stream, and program

// A section: `body` is what stands between last_section_number and the CRC.
Bytes MakeSection(uint8_t table, ByteSpan body) {
  constexpr size_t kAroundBody = 5 + 4;  // behind section_length: before it, and the CRC
  ByteWriter out;
  out.Be(table);
  // section_syntax_indicator, two reserved bits
  out.Be(static_cast<uint16_t>(0xb000 | (body.size() + kAroundBody)));
  out.Be(kTheOnly);
  out.Be<uint8_t>(0xc1);  // version 0, and it holds now
  out.Be<uint8_t>(0);     // section 0 of
  out.Be<uint8_t>(0);     // 0
  out.Raw(body);
  out.Be(SectionCrc(out.span()));
  return out.Take();
}

uint16_t Reserved3(uint16_t pid) { return static_cast<uint16_t>(0xe000 | pid); }

}  // namespace

Bytes MakePat() {
  ByteWriter body;
  body.Be(kTheOnly);
  body.Be(Reserved3(kPmtPid));
  return MakeSection(kPatTable, body.span());
}

Bytes MakePmt(std::span<const StreamEntry> streams, uint16_t clock_pid) {
  ByteWriter body;
  body.Be(Reserved3(clock_pid));
  body.Be<uint16_t>(0xf000);  // nothing more of the program
  for (const StreamEntry& stream : streams) {
    body.Be(stream.type);
    body.Be(Reserved3(stream.pid));
    body.Be<uint16_t>(0xf000);  // nor of the stream
  }
  return MakeSection(kPmtTable, body.span());
}

uint32_t SectionCrc(ByteSpan bytes) {
  uint32_t crc = 0xffffffff;
  for (const uint8_t byte : bytes) {
    crc ^= uint32_t{byte} << 24;
    for (int i = 0; i < 8; ++i) crc = crc << 1 ^ ((crc >> 31) != 0 ? 0x04c11db7u : 0u);
  }
  return crc;
}

}  // namespace penstock::playback::ts
