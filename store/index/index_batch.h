// The rows of an IndexBatch, and where they go.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "store/index/index.h"
#include "store/index/keys.h"

namespace penstock::store {

enum Family : size_t {
  kDefault,
  kItems,
  kTimes,
  kProducer,
  kTrackSets,
  kShards,
  kCatalog,
  kFamilies
};
inline constexpr std::array<const char*, kFamilies> kFamilyNames = {
    "default", "items", "times", "producer", "track_sets", "shards", "catalog"};
inline constexpr std::string_view kRequestPrefix = "request/";

inline std::string AppliedKey(uint32_t lane) {
  ByteWriter out;
  out.Text("applied/");
  out.Be(lane);
  return TakeText(out);
}

inline std::string VarintText(uint64_t value) {
  ByteWriter out;
  out.Varint(value);
  return TakeText(out);
}

// The rows are collected by family number: a batch is filled before anyone asks which database it
// goes to.
struct IndexBatch::Impl {
  struct Operation {
    enum class Kind { kPut, kErase, kEraseRange } kind;
    Family family;
    std::string key;
    std::string value;  // kEraseRange: the end
  };
  std::vector<Operation> operations;

  void Put(Family family, std::string key, std::string value) {
    operations.push_back({Operation::Kind::kPut, family, std::move(key), std::move(value)});
  }
  void Erase(Family family, std::string key) {
    operations.push_back({Operation::Kind::kErase, family, std::move(key), {}});
  }
  void EraseRange(Family family, std::string begin, std::string end) {
    operations.push_back({Operation::Kind::kEraseRange, family, std::move(begin), std::move(end)});
  }
};

}  // namespace penstock::store
