// Keys of the index: big-endian, so that their bytes sort as their values do (docs/format.md §6).
#pragma once

#include <string>

#include "base/byte_io.h"
#include "store/log/record.h"

namespace penstock::store {

inline std::string TakeText(ByteWriter& out) { return std::string(AsText(out.span())); }

inline std::string ShardKey(const ShardId& shard) { return std::string(AsText(shard.bytes())); }

// shard ‖ ordinal, and shard ‖ track set id.
inline std::string OrdinalKey(const ShardId& shard, uint64_t ordinal) {
  ByteWriter out;
  out.Raw(shard.bytes());
  out.Be(ordinal);
  return TakeText(out);
}

inline std::string TimeKey(const ShardId& shard, uint32_t clock_run, int64_t ms, uint64_t index) {
  ByteWriter out;
  out.Raw(shard.bytes());
  out.Be(clock_run);
  out.Be(ms);
  out.Be(index);
  return TakeText(out);
}

inline constexpr uint64_t kSignBit = uint64_t{1} << 63;

// Producer times may lie before 1970; with the sign bit flipped they sort as unsigned.
inline std::string ProducerKey(const ShardId& shard, int64_t us, uint64_t index) {
  ByteWriter out;
  out.Raw(shard.bytes());
  out.Be(static_cast<uint64_t>(us) ^ kSignBit);
  out.Be(index);
  return TakeText(out);
}

// The first key behind every key that starts with prefix. Requires a byte below 0xff in it; random
// ids have one.
inline std::string PrefixEnd(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

}  // namespace penstock::store
