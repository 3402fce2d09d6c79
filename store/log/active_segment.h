// A segment that is being written: where the next batch part goes, and the parts themselves.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "store/log/batch.h"
#include "store/log/disk_source.h"
#include "store/log/segment_table.h"

namespace penstock::store {

// One track set of one shard: written into each segment that uses it.
struct TrackSetUse {
  ItemRecord record;
  Bytes body;
  Bytes meta;
  SegmentSeq written_in = 0;  // the newest segment that has it; under the lane's plan mutex
};

// One record on its way into the log.
struct PendingRecord {
  bool is_item = false;
  ItemRecord item;
  ByteChain body;  // direct-I/O ready, or at most kInlineBodyBytesMax
  Bytes meta;
  std::shared_ptr<TrackSetUse> track_set;
  MetaRecord record;

  // No more than this is written for it, track set aside.
  size_t BytesMax() const;
};

// Fields are under the lane's plan mutex unless said otherwise.
class ActiveSegment {
 public:
  ActiveSegment(std::shared_ptr<Segment> segment, std::shared_ptr<DiskFile> file, uint64_t capacity)
      : segment_(std::move(segment)),
        file_(std::move(file)),
        capacity_(capacity),
        chain_(segment_->header().crc) {}

  const SegmentHeader& header() const { return segment_->header(); }
  const std::shared_ptr<Segment>& segment() const { return segment_; }
  DiskFile& file() { return *file_; }
  uint64_t end() const { return end_; }
  uint64_t capacity() const { return capacity_; }
  bool empty() const { return end_ == kBlockBytes; }
  bool HasRoomFor(uint64_t bytes) const { return bytes <= capacity_ - std::min(end_, capacity_); }

  // Any thread. Durable when it returns ok. After a failure nothing of this segment is believed any
  // more.
  Status WriteAndSync(uint64_t offset, std::span<const iovec> pieces);

  int64_t first_ms = 0;  // server time of its first item; 0: none yet
  uint64_t items = 0;
  int unpublished =
      0;  // batches with a part here that are not yet folded; under the lane's turn mutex
  bool closed = false;  // no more parts; under the lane's turn mutex

 private:
  friend class PartBuilder;
  const std::shared_ptr<Segment> segment_;
  const std::shared_ptr<DiskFile> file_;
  const uint64_t capacity_;
  uint64_t end_ = kBlockBytes;
  uint32_t chain_;

  std::mutex sync_mutex_;
  bool sync_failed_ = false;  // under sync_mutex_
};

// Collects the records of one part, lays them out, and keeps alive what is to be written.
class PartBuilder {
 public:
  explicit PartBuilder(std::shared_ptr<ActiveSegment> segment) : segment_(std::move(segment)) {}

  void Add(
      PendingRecord& record);  // moves bytes out of it; fills its item's extents later (Finish)
  // Fixes the place in the segment and the bytes. `header.parts`, lsn, durable_lsn, epoch and
  // part_index are set.
  void Finish(BatchHeader header);
  Status Write();

  const std::shared_ptr<ActiveSegment>& segment() const { return segment_; }
  // The records as they were written, for the fold.
  std::vector<Record>& records() { return records_; }
  uint64_t bytes() const { return part_bytes_; }

 private:
  struct Payload {
    ByteChain body;
    Bytes meta;
  };
  void AddItem(ItemRecord item, ByteChain body, Bytes meta);
  bool IsInline(size_t i) const { return payloads_[i].body.size() <= kInlineBodyBytesMax; }
  size_t RecordBytes(size_t i) const;

  const std::shared_ptr<ActiveSegment> segment_;
  std::vector<Record> records_;
  std::vector<Payload> payloads_;
  int64_t server_ms_max_ = 0;
  AlignedBuffer head_;
  uint64_t offset_ = 0;
  uint64_t part_bytes_ = 0;
};

}  // namespace penstock::store
