// Bytes of stored items, never unverified.
#include <fmt/format.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/page_cache.h"
#include "store/log/disk_source.h"
#include "store/log/segment_scan.h"
#include "store/metrics.h"
#include "store/shard_impl.h"

namespace penstock::store {
namespace {

Error Corrupt(const Segment& segment, const StoredItem& item, std::string_view what) {
  StoreMetrics::Get().corrupt_reads.Add();
  Error error(ErrorCode::kCorruption, fmt::format("{} of {} in {}: wrong checksum", what,
                                                  item.record.header.number.ToString(),
                                                  segment.path().filename().string()));
  log::Write(log::kError, "stored bytes are damaged",
             {{"shard", item.record.shard.ToString()},
              {"segment", segment.path().string()},
              {"error", error.message()}});
  return error;
}

Error Removed() { return Error(ErrorCode::kTrimmed, "its segment has been removed"); }

Result<std::shared_ptr<Segment>> FindSegment(SegmentTable& segments, const StoredItem& item) {
  auto segment = segments.Find(item.segment);
  if (!segment) return Removed();
  return segment;
}

// It may be unlinked between being found and being opened.
Result<std::shared_ptr<DiskFile>> OpenFile(Segment& segment) {
  auto file = segment.File();
  if (!file.ok() && file.error().code() == ErrorCode::kNotFound) return Removed();
  return file;
}

// Through the page cache: the disk is read once, however many ask.
Status ReadCached(const FileHandle& file, const Segment& segment, const StoredItem& item,
                  const char* what, uint64_t offset, std::span<uint8_t> out) {
  size_t got = 0;
  while (got < out.size()) {
    const ssize_t n =
        ::pread(file.fd(), out.data() + got, out.size() - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return Error(ErrorCode::kIo,
                   fmt::format("pread {}: {}", segment.path().string(), std::strerror(errno)));
    if (n == 0) return Corrupt(segment, item, what);
    got += static_cast<size_t>(n);
  }
  return {};
}

// The send that follows finds the same bytes.
Status VerifyForSend(const FileHandle& file, const Segment& segment, const StoredItem& item) {
  const Extent& extent = item.record.extents.front();
  std::vector<uint8_t> buffer(kBodyCrcBytes);
  size_t block = 0;
  for (uint64_t at = 0; at < extent.bytes; at += kBodyCrcBytes, ++block) {
    const auto piece =
        std::span(buffer).first(std::min<uint64_t>(kBodyCrcBytes, extent.bytes - at));
    PS_TRY_VOID(ReadCached(file, segment, item, "body", extent.offset + at, piece));
    if (Crc32c(piece) != item.record.body_crcs[block]) return Corrupt(segment, item, "body");
  }
  return {};
}

Result<Bytes> ReadMetaBytes(Segment& segment, const StoredItem& item, BodyForm form) {
  const uint32_t size = item.record.header.meta_bytes;
  const auto cached = form == BodyForm::kFileSlice ? segment.SendHandle() : nullptr;
  if (cached) {
    std::vector<uint8_t> out(size);
    PS_TRY_VOID(ReadCached(*cached, segment, item, "meta", item.record.meta_offset, out));
    return Bytes::From(std::move(out));
  }
  PS_TRY(const std::shared_ptr<DiskFile> file, OpenFile(segment));
  return ReadRange(*file, item.record.meta_offset, size);
}

Result<std::optional<FileSlice>> SliceForSend(Segment& segment, const StoredItem& item) {
  if (item.record.extents.size() != 1) return std::optional<FileSlice>();
  const auto file = segment.SendHandle();
  if (!file) return std::optional<FileSlice>();
  const Extent& extent = item.record.extents.front();
  FileSlice slice{file, extent.offset, extent.bytes};
  // So that the network thread sends resident pages.
  BringIn(slice);
  if (!segment.IsVerified(extent.offset)) {
    PS_TRY_VOID(VerifyForSend(*file, segment, item));
    segment.SetVerified(extent.offset);
  }
  return std::optional<FileSlice>(std::move(slice));
}

}  // namespace

Result<Bytes> ReadItemMeta(SegmentTable& segments, const StoredItem& item, BodyForm form) {
  if (item.record.header.meta_bytes == 0) return Bytes();
  PS_TRY(const std::shared_ptr<Segment> segment, FindSegment(segments, item));
  PS_TRY(Bytes meta, ReadMetaBytes(*segment, item, form));
  if (Crc32c(meta) != item.record.meta_crc) return Corrupt(*segment, item, "meta");
  return meta;
}

Result<std::variant<ByteChain, FileSlice>> ReadItemBody(SegmentTable& segments,
                                                        const StoredItem& item, BodyForm form) {
  if (item.record.extents.empty()) return std::variant<ByteChain, FileSlice>();
  PS_TRY(const std::shared_ptr<Segment> segment, FindSegment(segments, item));
  if (form == BodyForm::kFileSlice && segment->sealed()) {
    PS_TRY(std::optional<FileSlice> slice, SliceForSend(*segment, item));
    if (slice) return std::variant<ByteChain, FileSlice>(std::move(*slice));
  }
  PS_TRY(const std::shared_ptr<DiskFile> file, OpenFile(*segment));
  ByteChain body;
  for (const Extent& extent : item.record.extents) {
    PS_TRY(Bytes piece, ReadRange(*file, extent.offset, extent.bytes));
    body.Append(std::move(piece));
  }
  if (BodyCrcs(body) != item.record.body_crcs) return Corrupt(*segment, item, "body");
  return std::variant<ByteChain, FileSlice>(std::move(body));
}

Result<TrackSet> ReadTrackSetAt(SegmentTable& segments, const StoredItem& item) {
  TrackSet set;
  set.id = item.record.header.number.index;
  PS_TRY(set.meta, ReadItemMeta(segments, item, BodyForm::kMemory));
  PS_TRY(const auto body, ReadItemBody(segments, item, BodyForm::kMemory));
  set.body = std::get<ByteChain>(body).Flatten();
  return set;
}

namespace {

bool IsCopy(const ItemRecord& record, const StoredItem& wanted) {
  return record.is_track_set() && record.shard == wanted.record.shard &&
         record.header.number.index == wanted.record.header.number.index;
}

// From the batches of a segment that is still written, up to that of `user`.
std::optional<ItemRecord> FindWrittenBefore(Segment& segment, DiskSource& source,
                                            const StoredItem& wanted, const StoredItem& user) {
  const ItemRecord& last = user.record;
  const uint64_t user_at = last.extents.empty() ? last.meta_offset : last.extents.front().offset;
  std::optional<ItemRecord> found;
  const auto look = [&](ScannedBatch batch) -> Status {
    for (Record& record : batch.records) {
      if (!found && record.is_item && IsCopy(record.item, wanted)) found = std::move(record.item);
    }
    const bool enough = found || batch.offset + batch.header.part_bytes > user_at;
    return enough ? Status(Error(ErrorCode::kCancelled, "enough")) : Status();
  };
  (void)ScanSegment(source, segment.header(), look);  // what is damaged does not have it
  return found;
}

}  // namespace

std::optional<TrackSet> ReadTrackSetCopy(SegmentTable& segments, Segment& segment,
                                         const StoredItem& wanted, const StoredItem& user) {
  const auto read = [&](ItemRecord record) -> std::optional<TrackSet> {
    auto set = ReadTrackSetAt(segments, StoredItem{std::move(record), segment.header().sequence});
    if (!set.ok()) return std::nullopt;
    return std::move(*set);
  };
  const bool sealed = segment.sealed();
  const auto file = segment.File();
  if (!file.ok()) return std::nullopt;
  DiskSource source(**file, segment.bytes());
  if (!sealed) {
    auto found = FindWrittenBefore(segment, source, wanted, user);
    return found ? read(std::move(*found)) : std::nullopt;
  }
  Result<Footer> footer = ReadFooter(source, segment.header());
  if (!footer.ok()) return std::nullopt;
  for (FooterEntry& entry : footer->entries) {
    if (!IsCopy(entry.item, wanted)) continue;
    if (auto copy = read(std::move(entry.item))) return copy;
  }
  return std::nullopt;
}

}  // namespace penstock::store
