// Block 0 of a segment and the names of files (docs/format.md §1, §2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/byte_io.h"
#include "base/result.h"
#include "store/log/format.h"

namespace penstock::store {

struct SegmentHeader {
  uint32_t lane = 0;
  uint32_t retention_class = 0;  // hours; kMetaClass
  SegmentSeq sequence = 0;
  uint64_t epoch = 0;
  Lsn first_lsn = 0;
  int64_t created_ms = 0;
  Uuid uuid{};
  Uuid store{};
  uint32_t crc = 0;  // of the block; the first batch refers to it
};

// kBlockBytes long. Sets header.crc.
std::vector<uint8_t> EncodeSegmentHeader(SegmentHeader& header);
// kCorruption, or kUnsupported for a newer version.
Result<SegmentHeader> DecodeSegmentHeader(ByteSpan block);

struct SegmentName {
  SegmentSeq sequence = 0;
  uint32_t retention_class = 0;
};
std::string SegmentFileName(const SegmentName& name);
std::optional<SegmentName> ParseSegmentFileName(std::string_view name);
std::string SpareFileName(SegmentSeq sequence);
bool IsSpareFileName(std::string_view name);
std::string LaneDirectoryName(uint32_t lane);
std::optional<uint32_t> ParseLaneDirectoryName(std::string_view name);
inline constexpr std::string_view kTornDirectoryName = "torn";
std::string TornFileName(SegmentSeq sequence, uint64_t offset);

}  // namespace penstock::store
