// What GetMedia and GetMediaForFragmentList send: every fragment as a Matroska document of its own.
//
//   track set (EBML header, Segment of unknown size, Info, Tracks)   as stored, the same each time
//   Tags     number, server time, producer time
//   Cluster  as stored
//   Tags     how far behind now, continuation token                  GetMedia only
//
// Names and layout follow what the consumers of Kinesis Video Streams read (docs/aws-api.md). Pure.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "store/item.h"

namespace penstock::server::aws::video {

// What went wrong within a payload, as consumers know it.
struct PayloadError {
  std::string_view code;  // "FRAGMENT_NOT_FOUND"
  int id = 0;
};
inline constexpr PayloadError kFragmentNotFound{"FRAGMENT_NOT_FOUND", 3000};
inline constexpr PayloadError kPayloadInternal{"INTERNAL_ERROR", 5000};

// The Tags in front of a fragment's cluster.
Bytes LeadTags(const store::ItemHeader& item);

// The Tags behind it.
Bytes TailTags(const store::ItemHeader& item, ServerTime now);

// A document without a cluster; the payload ends with it. `number` as it was asked for.
Bytes ErrorDocument(const PayloadError& error, std::string_view number);

}  // namespace penstock::server::aws::video
