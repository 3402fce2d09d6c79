// Which segments of items a lane must have (docs/format.md §3.4): folded from its metadata.
#pragma once

#include <map>
#include <span>

#include "store/log/meta_records.h"

namespace penstock::store {

// A plain value. A segment enters with the batch that begins it and leaves by a durable record
// before it is unlinked:  acknowledged items  =>  their segment is in here.
class SegmentRegister {
 public:
  // Records in LSN order, those of a snapshot first. Other kinds say nothing here. kCorruption for
  // a damaged payload.
  Status Fold(const MetaRecord& record);

  bool Has(SegmentSeq sequence) const { return segments_.contains(sequence); }
  const std::map<SegmentSeq, SegmentRecord>& segments() const { return segments_; }

 private:
  std::map<SegmentSeq, SegmentRecord> segments_;
};

// Whether one of the segments may hold an item that stands behind one of this epoch (0: there is
// none before). A segment belongs to one epoch; what it holds is of that or, copied by a cleaner,
// of an earlier one.
bool MayHoldItemsOf(std::span<const SegmentRecord> segments, uint64_t epoch_before);

}  // namespace penstock::store
