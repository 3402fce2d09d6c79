// Segments in memory, written by the shipping codecs.
#pragma once

#include "base/crc32c.h"
#include "store/log/segment_scan.h"

namespace penstock::store {

class SegmentBuilder {
 public:
  explicit SegmentBuilder(uint32_t retention_class = 24) {
    header_.lane = 0;
    header_.retention_class = retention_class;
    header_.sequence = 7;
    header_.epoch = 3;
    header_.first_lsn = 11;
    header_.created_ms = 1'768'478'400'000;
    for (size_t i = 0; i < header_.uuid.size(); ++i)
      header_.uuid[i] = static_cast<uint8_t>(0xa0 + i);
    for (size_t i = 0; i < header_.store.size(); ++i) header_.store[i] = static_cast<uint8_t>(i);
    bytes_ = EncodeSegmentHeader(header_);
    chain_ = header_.crc;
  }

  static ShardId Shard() {
    std::array<uint8_t, 16> id{};
    for (size_t i = 0; i < id.size(); ++i) id[i] = static_cast<uint8_t>(0x10 + i);
    return ShardId::FromBytes(id);
  }

  // A batch with one fragment, body in the head.
  SegmentBuilder& Fragment(Lsn lsn, uint64_t ordinal, std::string_view body,
                           std::string_view meta) {
    ItemRecord item;
    item.shard = Shard();
    ItemHeader& h = item.header;
    h.kind = ItemKind::kFragment;
    h.number = FragmentNumber{
        .index = MakeIndex(3, ordinal), .server_ms = 1'768'478'402'123, .salt = 0x1234567};
    h.server_time = ServerTimeFromMs(h.number.server_ms);
    h.ordinal = ordinal;
    h.run = MakeIndex(3, 0);
    h.producer_time = ProducerTimeFromUs(1'768'478'402'000'000);
    h.duration = std::chrono::microseconds(2'000'000);
    h.flags = kFlagStartsRun;
    h.body_bytes = static_cast<uint32_t>(body.size());
    h.meta_bytes = static_cast<uint32_t>(meta.size());
    item.retention_class = header_.retention_class;
    item.body_crcs = BodyCrcs(AsBytes(body));
    item.meta_crc = Crc32c(AsBytes(meta));
    item.extents.resize(body.empty() ? 0 : 1);
    ByteWriter head;
    head.Zero(BatchRecordsOffset(1));
    const size_t payload_at = head.size() + ItemRecordBytes(item);
    if (!body.empty()) item.extents[0] = {bytes_.size() + payload_at, h.body_bytes};
    item.meta_offset = bytes_.size() + payload_at + body.size();
    const size_t record_bytes = AlignUp(ItemRecordBytes(item) + body.size() + meta.size(), 8);
    WriteItemRecord(head, item, record_bytes - ItemRecordBytes(item));
    head.Text(body);
    head.Text(meta);
    head.Zero(BatchRecordsOffset(1) + record_bytes - head.size());
    items_.push_back({lsn, item});
    return Batch(lsn, std::move(head.buffer()), 1);
  }

  SegmentBuilder& Batch(Lsn lsn, std::vector<uint8_t> head, uint32_t records) {
    BatchHeader batch;
    batch.lsn = lsn;
    batch.durable_lsn = lsn - 1;
    batch.epoch = 3;
    batch.parts = {7};
    batch.record_count = records;
    batch.server_ms_max = 1'768'478'402'123;
    batch.previous_crc = chain_;
    batch.part_bytes = AlignUp(head.size(), kBlockBytes);
    FinishBatchHead(head, batch, header_.uuid);
    chain_ = batch.crc;
    ends_.push_back(bytes_.size() + batch.part_bytes);
    bytes_.insert(bytes_.end(), head.begin(), head.end());
    bytes_.resize(ends_.back());
    if (first_lsn_ == 0) first_lsn_ = lsn;
    last_lsn_ = lsn;
    return *this;
  }

  // What the footer is to say of it.
  FooterEntry& Entry(size_t i) { return items_[i]; }

  SegmentBuilder& Seal() {
    Footer footer;
    footer.first_lsn = first_lsn_;
    footer.last_lsn = last_lsn_;
    footer.durable_lsn = last_lsn_;
    footer.data_end = bytes_.size();
    footer.last_crc = chain_;
    footer.entries = items_;
    const std::vector<uint8_t> end = EncodeFooter(footer, header_.uuid);
    bytes_.insert(bytes_.end(), end.begin(), end.end());
    return *this;
  }

  std::vector<uint8_t>& bytes() { return bytes_; }
  const SegmentHeader& header() const { return header_; }
  // Where each batch ends.
  const std::vector<uint64_t>& ends() const { return ends_; }

 private:
  SegmentHeader header_;
  std::vector<uint8_t> bytes_;
  uint32_t chain_ = 0;
  Lsn first_lsn_ = 0;
  Lsn last_lsn_ = 0;
  std::vector<uint64_t> ends_;
  std::vector<FooterEntry> items_;
};

inline std::vector<Lsn> ScanLsns(ByteSpan bytes, const SegmentHeader& header) {
  MemorySource source(bytes);
  std::vector<Lsn> lsns;
  const auto result = ScanSegment(source, header, [&](ScannedBatch batch) -> Status {
    lsns.push_back(batch.header.lsn);
    return {};
  });
  EXPECT_TRUE(result.ok()) << result.error().ToString();
  return lsns;
}

}  // namespace penstock::store
