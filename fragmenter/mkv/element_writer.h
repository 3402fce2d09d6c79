// EBML elements with known sizes, written inside out: a master's content is built first, then
// wrapped.
#pragma once

#include <bit>
#include <string_view>

#include "base/byte_io.h"
#include "fragmenter/mkv/vint.h"

namespace penstock::fragmenter::mkv {

class ElementWriter {
 public:
  void Uint(uint32_t id, uint64_t value) {
    int bytes = 1;
    while (bytes < 8 && value >> (8 * bytes) != 0) ++bytes;
    Head(id, static_cast<uint64_t>(bytes));
    out_.BeN(value, bytes);
  }
  void Float(uint32_t id, double value) {
    Head(id, 8);
    out_.Be(std::bit_cast<uint64_t>(value));
  }
  void Text(uint32_t id, std::string_view value) { Binary(id, AsBytes(value)); }
  void Binary(uint32_t id, ByteSpan value) {
    Head(id, value.size());
    out_.Raw(value);
  }
  void Master(uint32_t id, const ElementWriter& content) { Binary(id, content.out_.span()); }
  // An element as it is.
  void Raw(ByteSpan element) { out_.Raw(element); }
  // A master whose end is wherever the document ends: the Segment of a stream.
  void OpenEnded(uint32_t id) {
    Id(id);
    out_.Be(uint64_t{0x01FFFFFFFFFFFFFF});
  }
  Bytes Take() { return out_.Take(); }

 private:
  void Id(uint32_t id) { out_.BeN(id, (std::bit_width(id) + 7) / 8); }
  void Head(uint32_t id, uint64_t size) {
    Id(id);
    const size_t bytes = DataSizeBytes(size);
    out_.BeN(size | uint64_t{1} << (7 * bytes), static_cast<int>(bytes));
  }

  ByteWriter out_;
};

}  // namespace penstock::fragmenter::mkv
