// What a message of a wire protocol may look like, as tables: an operation's input is a constexpr
// Shape, and one validator reads them all. Nothing here is specific to an encoding.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace penstock::server::wire {

enum class Kind : uint8_t {
  kString,
  kInteger,
  kBoolean,
  kTimestamp,  // seconds since 1970 as a number, or RFC 3339 as text
  kStructure,
  kList,
  kMap,
};

// The rule for a text beyond its length: the words an answer quotes, and the check itself. Whole
// texts match; the check does not look at the length.
struct Pattern {
  std::string_view text;
  bool (*matches)(std::string_view);
};

struct Shape;

struct Member {
  std::string_view name;
  const Shape* shape;
  bool required = false;
};

// Immutable; made at compile time and never destroyed, as everything it points to.
struct Shape {
  Kind kind = Kind::kString;
  // Of a string its UTF-16 length (what the services count), of a list or map its elements, of an
  // integer the value.
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
  const Pattern* pattern = nullptr;          // of a string
  std::span<const std::string_view> values;  // of a string: the only ones allowed, if any
  std::span<const Member> members;           // of a structure
  const Shape* element = nullptr;            // of a list, and of a map's values
  const Shape* key = nullptr;                // of a map
};

}  // namespace penstock::server::wire
