#include "store/log/segment_register.h"

#include <algorithm>

namespace penstock::store {

Status SegmentRegister::Fold(const MetaRecord& record) {
  if (record.kind == MetaKind::kSegment || record.kind == MetaKind::kSnapshotSegment) {
    PS_TRY(const SegmentRecord segment, ParseSegment(record.payload));
    segments_.insert_or_assign(segment.sequence, segment);
  } else if (record.kind == MetaKind::kSegmentsRemoved) {
    PS_TRY(const std::vector<SegmentSeq> removed, ParseSegmentsRemoved(record.payload));
    for (const SegmentSeq sequence : removed) segments_.erase(sequence);
  }
  return {};
}

bool MayHoldItemsOf(std::span<const SegmentRecord> segments, uint64_t epoch_before) {
  return std::any_of(segments.begin(), segments.end(),
                     [&](const SegmentRecord& segment) { return epoch_before <= segment.epoch; });
}

}  // namespace penstock::store
