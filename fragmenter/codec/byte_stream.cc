#include "fragmenter/codec/byte_stream.h"

#include <algorithm>

#include "base/check.h"

namespace penstock::fragmenter {
namespace {

constexpr size_t kStartCodeBytes = 3;
// Smaller units are copied: to pass a slice on costs more, and they bound how many there are.
constexpr size_t kSharedBytesMin = 512;

bool IsZero(uint8_t byte) { return byte == 0; }

// Where 00 00 01 begins; the span's size if it is not there. The third byte says how far the next
// place is at least, so that of pictures every third byte is looked at.
size_t SearchStartCode(ByteSpan bytes) {
  size_t at = 0;
  while (at + kStartCodeBytes <= bytes.size()) {
    const uint8_t third = bytes[at + 2];
    if (third == 1 && bytes[at] == 0 && bytes[at + 1] == 0) return at;
    at += third == 0 ? 1 : kStartCodeBytes;
  }
  return bytes.size();
}

size_t FindStartCode(const ChainView& chain, size_t at, size_t end) {
  while (at + kStartCodeBytes <= end) {
    const ByteSpan rest = chain.From(at);
    const ByteSpan piece = rest.first(std::min(rest.size(), end - at));
    const size_t found = SearchStartCode(piece);
    if (found < piece.size()) return at + found;
    // It may lie over the border to the next.
    const size_t border = at + piece.size();
    for (at = std::max(at, border - std::min(border, kStartCodeBytes - 1)); at < border; ++at) {
      if (at + kStartCodeBytes > end) return end;
      if (chain.At(at) == 0 && chain.At(at + 1) == 0 && chain.At(at + 2) == 1) return at;
    }
  }
  return end;
}

bool AllZero(const ChainView& chain, size_t at, size_t end) {
  while (at < end) {
    const ByteSpan rest = chain.From(at);
    const ByteSpan piece = rest.first(std::min(rest.size(), end - at));
    if (!std::ranges::all_of(piece, IsZero)) return false;
    at += piece.size();
  }
  return true;
}

// Where what is before `end` ends, without zeros behind it.
size_t WithoutZeros(const ChainView& chain, size_t begin, size_t end) {
  while (end > begin) {
    const ByteSpan before = chain.Before(end);
    const ByteSpan piece = before.last(std::min(before.size(), end - begin));
    const auto zeros = std::find_if_not(piece.rbegin(), piece.rend(), IsZero) - piece.rbegin();
    end -= static_cast<size_t>(zeros);
    if (static_cast<size_t>(zeros) < piece.size()) break;
  }
  return end;
}

}  // namespace

ByteStreamReader::ByteStreamReader(const ChainView& chain, size_t offset, size_t size)
    : chain_(chain), end_(offset + size) {
  CHECK(offset <= chain.size());
  CHECK(size <= chain.size() - offset);
  code_ = FindStartCode(chain, offset, end_);
  ok_ = code_ < end_ && AllZero(chain, offset, code_);
  if (!ok_) code_ = end_;
}

std::optional<ByteStreamReader::Unit> ByteStreamReader::Next() {
  while (code_ < end_) {
    const size_t begin = code_ + kStartCodeBytes;
    code_ = FindStartCode(chain_, begin, end_);
    const size_t end = WithoutZeros(chain_, begin, code_);
    if (end > begin) return Unit{begin, end - begin};
  }
  return std::nullopt;
}

bool SeemsByteStream(ByteSpan unit) {
  const size_t zeros = unit.size() > kStartCodeBytes && unit[2] == 0 ? 3 : 2;
  return unit.size() > zeros && unit[zeros] == 1 && std::ranges::all_of(unit.first(zeros), IsZero);
}

bool MayHaveLengths(ByteSpan head, size_t size, size_t length_bytes) {
  size_t at = 0;
  while (at < size) {
    if (at >= head.size()) return true;
    if (size - at <= length_bytes) return false;
    const ByteSpan rest = head.subspan(at);
    if (rest.size() <= length_bytes) return true;
    size_t length = 0;
    for (const uint8_t byte : rest.first(length_bytes)) length = length << 8 | byte;
    at += length_bytes;
    // A NAL unit begins with a bit that is 0.
    if (length == 0 || length > size - at || (rest[length_bytes] & 0x80) != 0) return false;
    at += length;
  }
  return size > 0;
}

void LengthPrefixer::AddPiece(bool stored, size_t offset, size_t size) {
  size_ += size;
  if (!pieces_.empty() && !stored && !pieces_.back().stored) {
    pieces_.back().size += size;
  } else {
    pieces_.push_back({stored, offset, size});
  }
}

Result<uint32_t> LengthPrefixer::Add(size_t offset, size_t size) {
  ByteStreamReader reader(chain_, offset, size);
  if (!reader.ok()) return Error(ErrorCode::kCorruption, "a frame without a start code");
  const size_t before = size_;
  while (const auto unit = reader.Next()) {
    const size_t begin = made_.size();
    for (const int shift : {24, 16, 8, 0})
      made_.push_back(static_cast<uint8_t>(unit->size >> shift));
    const bool shared = unit->size >= kSharedBytesMin;
    if (!shared) {
      std::vector<ByteSpan> spans;
      chain_.Append(unit->offset, unit->size, spans);
      for (const ByteSpan span : spans) made_.insert(made_.end(), span.begin(), span.end());
    }
    AddPiece(false, begin, made_.size() - begin);
    if (shared) AddPiece(true, unit->offset, unit->size);
  }
  if (size_ == before) return Error(ErrorCode::kCorruption, "a frame of start codes alone");
  return static_cast<uint32_t>(size_ - before);
}

ByteChain LengthPrefixer::Take() && {
  ByteChain out;
  const Bytes made = Bytes::From(std::move(made_));
  for (const Piece& piece : pieces_) {
    if (piece.stored) {
      chain_.Share(piece.offset, piece.size, out);
    } else {
      out.Append(made.Slice(piece.offset, piece.size));
    }
  }
  return out;
}

}  // namespace penstock::fragmenter
