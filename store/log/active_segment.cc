#include "store/log/active_segment.h"

#include <algorithm>
#include <cstring>

#include "base/chunk_pool.h"
#include "store/metrics.h"

namespace penstock::store {
namespace {

iovec ToIovec(const uint8_t* data, size_t bytes) { return {const_cast<uint8_t*>(data), bytes}; }

}  // namespace

size_t PendingRecord::BytesMax() const {
  if (!is_item) return kMetaFixedBytes + record.payload.size() + 8;
  return kItemFixedBytes + 16 + item.body_crcs.size() * 4 + meta.size() + 8 +
         AlignUp(body.size(), kBlockBytes);
}

Status ActiveSegment::WriteAndSync(uint64_t offset, std::span<const iovec> pieces) {
  PS_TRY_VOID(file_->Write(offset, pieces));
  const auto begin = std::chrono::steady_clock::now();
  const auto sync = [this] {
    StoreMetrics::Get().syncs.Add();
    return file_->Sync();
  };
  Status synced;
  if (file_->direct()) {
    synced = sync();
  } else {
    // Through the page cache the kernel reports an error once, to whichever sync comes first; the
    // others must not believe theirs.
    const std::lock_guard lock(sync_mutex_);
    synced = sync_failed_ ? Status(Error(ErrorCode::kIo, "an earlier sync of this segment failed"))
                          : sync();
    sync_failed_ = !synced.ok();
  }
  StoreMetrics::Get().sync_seconds.Record(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return synced;
}

void PartBuilder::Add(PendingRecord& pending) {
  if (!pending.is_item) {
    Record record;
    record.meta = std::move(pending.record);
    records_.push_back(std::move(record));
    payloads_.emplace_back();
    return;
  }
  TrackSetUse* const use = pending.track_set.get();
  if (use != nullptr && use->written_in != segment_->header().sequence) {
    AddItem(use->record, ByteChain(use->body), use->meta);
    use->written_in = segment_->header().sequence;
  }
  AddItem(pending.item, std::move(pending.body), std::move(pending.meta));
}

void PartBuilder::AddItem(ItemRecord item, ByteChain body, Bytes meta) {
  if (!item.is_track_set()) server_ms_max_ = std::max(server_ms_max_, item.header.number.server_ms);
  if (body.size() > kInlineBodyBytesMax && !IsDirectIoReady(body)) {
    ChunkWriter aligned;
    aligned.Write(body);
    body = aligned.Finish();
  }
  item.extents.clear();
  if (!body.empty()) item.extents.resize(1);
  Record record;
  record.is_item = true;
  record.item = std::move(item);
  records_.push_back(std::move(record));
  payloads_.push_back({std::move(body), std::move(meta)});
}

size_t PartBuilder::RecordBytes(size_t i) const {
  const Record& record = records_[i];
  if (!record.is_item) return AlignUp(kMetaFixedBytes + record.meta.payload.size(), 8);
  const size_t inline_body = IsInline(i) ? payloads_[i].body.size() : 0;
  return AlignUp(ItemRecordBytes(record.item) + inline_body + payloads_[i].meta.size(), 8);
}

void PartBuilder::Finish(BatchHeader header) {
  offset_ = segment_->end_;
  size_t head_bytes = BatchRecordsOffset(header.parts.size());
  for (size_t i = 0; i < records_.size(); ++i) head_bytes += RecordBytes(i);
  const uint64_t padded_head = AlignUp(head_bytes, kBlockBytes);

  ByteWriter out;
  out.buffer().reserve(padded_head);
  out.Zero(BatchRecordsOffset(header.parts.size()));
  uint64_t next_body = offset_ + padded_head;
  for (size_t i = 0; i < records_.size(); ++i) {
    if (!records_[i].is_item) {
      WriteMetaRecord(out, records_[i].meta);
      continue;
    }
    ItemRecord& item = records_[i].item;
    const ByteChain& body = payloads_[i].body;
    const ByteSpan meta = payloads_[i].meta;
    const size_t record_at = out.size();
    const size_t payload_at = record_at + ItemRecordBytes(item);
    const size_t inline_bytes = IsInline(i) ? body.size() : 0;
    if (!body.empty()) {
      item.extents[0].bytes = static_cast<uint32_t>(body.size());
      item.extents[0].offset = IsInline(i) ? offset_ + payload_at : next_body;
      if (!IsInline(i)) next_body += AlignUp(body.size(), kBlockBytes);
    }
    item.meta_offset = meta.empty() ? 0 : offset_ + payload_at + inline_bytes;
    const size_t record_bytes = RecordBytes(i);
    WriteItemRecord(out, item, record_bytes - ItemRecordBytes(item));
    if (IsInline(i)) {
      for (const Bytes& piece : body.pieces()) out.Raw(piece);
    }
    out.Raw(meta);
    out.Zero(record_at + record_bytes - out.size());
  }
  CHECK(out.size() == head_bytes);

  header.part_bytes = next_body - offset_;
  header.server_ms_max = server_ms_max_;
  header.record_count = static_cast<uint32_t>(records_.size());
  header.previous_crc = segment_->chain_;
  FinishBatchHead(out.buffer(), header, segment_->header().uuid);
  head_ = AlignedBuffer(padded_head);
  std::memcpy(head_.data(), out.span().data(), head_bytes);
  std::memset(head_.data() + head_bytes, 0, padded_head - head_bytes);

  part_bytes_ = header.part_bytes;
  segment_->chain_ = header.crc;
  segment_->end_ += part_bytes_;
  if (segment_->first_ms == 0) segment_->first_ms = server_ms_max_;
  segment_->items += static_cast<uint64_t>(std::count_if(
      records_.begin(), records_.end(), [](const Record& record) { return record.is_item; }));
}

Status PartBuilder::Write() {
  std::vector<iovec> pieces;
  pieces.push_back(ToIovec(head_.data(), head_.size()));
  for (size_t i = 0; i < payloads_.size(); ++i) {
    if (IsInline(i)) continue;
    // The last piece's memory is zero up to the next block (base/chunk_pool.h).
    for (const Bytes& piece : payloads_[i].body.pieces()) {
      pieces.push_back(ToIovec(piece.data(), AlignUp(piece.size(), kBlockBytes)));
    }
  }
  return segment_->WriteAndSync(offset_, pieces);
}

}  // namespace penstock::store
