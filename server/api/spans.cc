#include "server/api/spans.h"

#include <algorithm>

namespace penstock::server {

void SpanBuilder::Add(const store::ItemHeader& item) {
  if (item.kind == store::ItemKind::kGap) broken_ = true;
  // A dropped fragment plays from memory for a moment; what is stored does not include it.
  if (item.kind != store::ItemKind::kFragment || (item.flags & store::kFlagDropped) != 0) return;
  const ServerTime start = item.server_time;
  const ServerTime end =
      start + std::chrono::duration_cast<std::chrono::milliseconds>(item.duration);
  if (broken_ || start - spans_.back().end > kSpanJoin) {
    spans_.push_back(Span{start, end, 0, 0});
    broken_ = false;
  }
  Span& span = spans_.back();
  span.end = std::max(span.end, end);
  ++span.fragments;
  span.bytes += item.body_bytes;
}

}  // namespace penstock::server
