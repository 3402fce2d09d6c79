// Holds: ranges of a stream that must not go (docs/format.md §3.5).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "store/item.h"

namespace penstock::store {

// What somebody wants kept: what overlaps [start, end) in server time. The end may lie in the
// future: what comes until then is held, too.
struct NewHold {
  StreamName stream;
  ServerTime start;
  ServerTime end;
  std::string note;  // at most limits::kHoldNoteBytesMax
};

struct Hold {
  std::string id;  // 12 hex digits, unique within the store
  StreamName stream;
  ServerTime start;
  ServerTime end;
  std::string note;
  ServerTime created;
  // Some of the range had gone when the hold was made; from here on all of it was there.
  std::optional<ServerTime> gone_before;
};

// Ordinals, the end not included.
struct OrdinalRange {
  uint64_t first = 0;
  uint64_t end = 0;
};

// A hold as its shard applies it. Which items it covers follows from this and their headers alone,
// whatever else the log says and in which order: what was hidden when it was made stays hidden.
struct HoldEntry {
  Hold hold;
  ShardId shard;
  uint64_t from_ordinal = 0;          // nothing before it had been hidden or promised away...
  std::vector<OrdinalRange> earlier;  // ...but these, which other holds had kept

  bool Covers(const ItemHeader& item) const;
};

// Rows of the catalog.
inline constexpr std::string_view kHoldPrefix = "hold/";
std::string HoldKey(const StreamName& stream, std::string_view id);
std::string HoldKeysOf(const StreamName& stream);  // their prefix
Bytes EncodeHold(const HoldEntry& entry);
Result<HoldEntry> DecodeHold(std::string_view key, ByteSpan value);
// Of a row that cannot be read only the key is known: everything of its stream is held, so that
// nothing is lost that should not be.
Result<HoldEntry> UnreadableHold(std::string_view key, const ShardId& shard);

}  // namespace penstock::store
