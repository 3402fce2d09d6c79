// Elements that lie in memory as a whole, one after the other (RFC 8794).
#pragma once

#include <bit>
#include <optional>

#include "base/byte_io.h"
#include "base/result.h"

namespace penstock::fragmenter {

struct Element {
  uint32_t id = 0;
  ByteSpan whole;    // head and content
  ByteSpan content;  // of unknown size: all that follows
};

// Takes the next one off `bytes`; nothing at their end. kProtocol: cut short, or no element.
inline Result<std::optional<Element>> TakeElement(ByteSpan& bytes) {
  if (bytes.empty()) return std::optional<Element>();
  const ByteSpan start = bytes;
  ByteReader in(bytes);
  const auto id_bytes = static_cast<size_t>(std::countl_zero(bytes[0])) + 1;
  Element element;
  if (id_bytes > 4) return Error(ErrorCode::kProtocol, "not an element");
  element.id = static_cast<uint32_t>(in.BeN(id_bytes));
  const auto first = in.Be<uint8_t>();
  const auto size_bytes = static_cast<size_t>(std::countl_zero(first)) + 1;
  if (!in.ok() || size_bytes > 8) return Error(ErrorCode::kProtocol, "not an element");
  const uint64_t mask = (uint64_t{1} << (7 * size_bytes)) - 1;
  const uint64_t rest = in.BeN(size_bytes - 1);
  const uint64_t size = ((uint64_t{first} << (8 * (size_bytes - 1))) | rest) & mask;
  if (!in.ok()) return Error(ErrorCode::kProtocol, "an element is cut short");
  if (size == mask) {
    element.content = in.rest();
  } else {
    if (size > in.left()) return Error(ErrorCode::kProtocol, "an element is cut short");
    element.content = in.rest().first(static_cast<size_t>(size));
  }
  const size_t length = start.size() - in.left() + element.content.size();
  element.whole = start.first(length);
  bytes = start.subspan(length);
  return std::optional<Element>(element);
}

}  // namespace penstock::fragmenter
