// ISO base media boxes (ISO/IEC 14496-12): size, type, content. Sizes are patched when a box
// closes.
#pragma once

#include <string_view>

#include "base/byte_io.h"
#include "base/check.h"

namespace penstock::playback::mp4 {

class BoxWriter {
 public:
  // Writes the head of a box now and its size when it goes out of scope. Boxes nest like scopes.
  class Box {
   public:
    Box(BoxWriter& writer, std::string_view type) : writer_(writer), start_(writer.out_.size()) {
      CHECK(type.size() == 4);
      writer_.out_.Be<uint32_t>(0);
      writer_.out_.Text(type);
    }
    // A full box: version and flags come first.
    Box(BoxWriter& writer, std::string_view type, uint8_t version, uint32_t flags)
        : Box(writer, type) {
      writer_.out_.Be<uint32_t>(uint32_t{version} << 24 | flags);
    }
    ~Box() { writer_.Patch(start_, static_cast<uint32_t>(writer_.out_.size() - start_)); }
    Box(const Box&) = delete;
    Box& operator=(const Box&) = delete;

   private:
    BoxWriter& writer_;
    size_t start_;
  };

  ByteWriter& out() { return out_; }
  size_t size() const { return out_.size(); }

  // Overwrites four bytes written before. Requires at + 4 <= size().
  void Patch(size_t at, uint32_t value) {
    CHECK(at + 4 <= out_.size());
    for (size_t i = 0; i < 4; ++i) {
      out_.buffer()[at + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
    }
  }

  Bytes Take() { return out_.Take(); }

 private:
  ByteWriter out_;
};

}  // namespace penstock::playback::mp4
