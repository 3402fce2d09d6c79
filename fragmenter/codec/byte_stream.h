// H.264 and H.265 as byte streams (Annex B of both): NAL units between start codes, where MP4 has
// their lengths in front of them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/chain_view.h"
#include "base/result.h"

namespace penstock::fragmenter {

// The NAL units of one access unit, in their order. Views the chain.
class ByteStreamReader {
 public:
  // Bytes [offset, offset + size) of the chain; requires that they lie in it.
  ByteStreamReader(const ChainView& chain, size_t offset, size_t size);

  // Whether it begins as one does: zeros, if anything, and a start code.
  bool ok() const { return ok_; }

  // Where a NAL unit lies in the chain. Never empty; emulation prevention is part of it, zeros
  // behind it are not.
  struct Unit {
    size_t offset = 0;
    size_t size = 0;
  };
  // nullopt: there are no more.
  std::optional<Unit> Next();

 private:
  const ChainView& chain_;
  const size_t end_;
  size_t code_ = 0;  // where the next unit's start code is; end_: there is none
  bool ok_ = false;
};

// Whether an access unit begins with a start code of three or four bytes, as one of 4-byte lengths
// may, too: its first NAL unit has one byte then, or 256 to 511.
bool SeemsByteStream(ByteSpan unit);

// Whether an access unit of `size` bytes that begins so can be NAL units with lengths of so many
// bytes in front of them, to its last byte. Sure of it where `head` is all of it.
bool MayHaveLengths(ByteSpan head, size_t size, size_t length_bytes);

// Access units of a byte stream with 4-byte lengths in place of start codes, one after the other.
// Everything that is between start codes stays, delimiters and parameter sets included. Shares the
// chain's memory, but for small units. What it makes is at most a quarter larger than what it is
// given. One thread; the chain must outlive it.
class LengthPrefixer {
 public:
  explicit LengthPrefixer(const ChainView& chain) : chain_(chain) {}

  // Requires that [offset, offset + size) lies in the chain. Returns its new size. kCorruption, and
  // nothing is added: it does not begin with a start code, or holds no NAL unit.
  Result<uint32_t> Add(size_t offset, size_t size);
  size_t size() const { return size_; }
  ByteChain Take() &&;

 private:
  struct Piece {
    bool stored = false;  // in the chain; else in made_
    size_t offset = 0;
    size_t size = 0;
  };
  void AddPiece(bool stored, size_t offset, size_t size);

  const ChainView& chain_;
  std::vector<uint8_t> made_;
  std::vector<Piece> pieces_;
  size_t size_ = 0;
};

}  // namespace penstock::fragmenter
