#include "store/log/lane_scan.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "store/index/index.h"
#include "store/log/meta_records.h"
#include "store/metrics.h"

namespace penstock::store {
namespace {

void NoteHarm(LaneLog& log, const std::filesystem::path& path, uint64_t offset,
              const std::string& what) {
  log.findings.push_back({fmt::format("{}:{}", path.string(), offset), what, true});
  log::Write(log::kError, "segment is damaged",
             {{"segment", path.string()}, {"offset", offset}, {"error", what}});
}

// Its batches tell what it does not.
void NoteDamagedFooter(LaneLog& log, ScannedSegment& scanned, const Error& error) {
  scanned.footer_damaged = true;
  log.findings.push_back({fmt::format("{}:{}", scanned.segment->path().string(), scanned.end),
                          error.message(), false});
}

class LaneScanner {
 public:
  LaneScanner(Disk& disk, const std::filesystem::path& directory, uint32_t lane, const Uuid& store,
              bool tolerant)
      : disk_(disk), store_(store), tolerant_(tolerant) {
    log_.lane = lane;
    log_.directory = directory;
  }

  Result<LaneLog> Run() {
    PS_TRY(const std::vector<std::string> names, disk_.List(log_.directory));
    for (const std::string& name : names) {
      if (IsSpareFileName(name)) log_.leftovers.push_back(name);
      const auto parsed = ParseSegmentFileName(name);
      if (parsed) PS_TRY_VOID(ScanFile(name, *parsed));
    }
    PS_TRY_VOID(FindEnd());
    PS_TRY_VOID(JudgeDamages());
    SortMeta();
    PS_TRY_VOID(FindMissing());
    PS_TRY_VOID(JudgeMeta());
    return std::move(log_);
  }

 private:
  Status Harm(const std::filesystem::path& path, uint64_t offset, std::string what, bool meta) {
    NoteHarm(log_, path, offset, what);
    if (!meta || tolerant_) return {};
    return Error(ErrorCode::kCorruption,
                 fmt::format("{} at {}: {}: metadata cannot be read", path.string(), offset, what));
  }

  Status ScanFile(const std::string& name, const SegmentName& parsed) {
    const std::filesystem::path path = log_.directory / name;
    log_.next_sequence = std::max(log_.next_sequence, parsed.sequence + 1);
    present_.insert(parsed.sequence);
    PS_TRY(const std::unique_ptr<DiskFile> file, disk_.Open(path, Disk::Mode::kRead, true));
    PS_TRY(const uint64_t bytes, file->Size());
    DiskSource source(*file, bytes);
    const auto header = ReadSegmentHeader(source);
    if (!header.ok()) {
      if (header.error().code() != ErrorCode::kCorruption) return header.error();
      return Harm(path, 0, header.error().message(), parsed.retention_class == kMetaClass);
    }
    const bool matches = header->lane == log_.lane && header->sequence == parsed.sequence &&
                         header->retention_class == parsed.retention_class &&
                         header->store == store_;
    if (!matches)
      return Harm(path, 0, "segment header: of another place",
                  parsed.retention_class == kMetaClass);
    log_.epoch = std::max(log_.epoch, header->epoch);
    ScannedSegment scanned;
    scanned.segment = std::make_shared<Segment>(disk_, path, *header);
    scanned.segment->SetBytes(bytes);
    scanned.file_bytes = bytes;
    PS_TRY_VOID(ReadSealed(source, scanned));
    const bool meta = header->retention_class == kMetaClass;
    if (meta || !scanned.sealed || scanned.footer_damaged) PS_TRY_VOID(Walk(source, scanned, meta));
    log_.segments.push_back(std::move(scanned));
    return {};
  }

  Status ReadSealed(ByteSource& source, ScannedSegment& scanned) {
    const auto footer = ReadHead(source, scanned.segment->header());
    if (footer.ok()) {
      scanned.sealed = true;
      scanned.first_lsn = footer->first_lsn;
      scanned.last_lsn = footer->last_lsn;
      scanned.end = footer->data_end;
      scanned.segment->SetSealed(scanned.file_bytes, footer->server_ms_max);
      log_.durable = std::max({log_.durable, footer->durable_lsn, footer->last_lsn});
      return {};
    }
    if (footer.error().code() != ErrorCode::kCorruption) return footer.error();
    // A valid trailer with a damaged footer: sealed once, all of it was durable.
    const auto trailer = ReadTrailer(source, scanned.segment->header());
    if (!trailer.ok()) return {};
    scanned.sealed = true;
    scanned.end = trailer->footer_offset;
    scanned.segment->SetSealed(scanned.file_bytes, 0);
    NoteDamagedFooter(log_, scanned, footer.error());
    return {};
  }

  // The check reads everything. An opening reads no more than it has to fold (VisitItems).
  Result<FooterHead> ReadHead(ByteSource& source, const SegmentHeader& header) const {
    if (!tolerant_) return ReadFooterHead(source, header);
    PS_TRY(Footer whole, ReadFooter(source, header));
    return static_cast<FooterHead>(whole);
  }

  Status Walk(ByteSource& source, ScannedSegment& scanned, bool meta) {
    const SegmentHeader& header = scanned.segment->header();
    PS_TRY(const ScanResult result, ScanSegment(source, header, [&](ScannedBatch batch) -> Status {
             const Lsn lsn = batch.header.lsn;
             if (scanned.first_lsn == 0) scanned.first_lsn = lsn;
             scanned.last_lsn = std::max(scanned.last_lsn, lsn);
             log_.durable = std::max(log_.durable, batch.header.durable_lsn);
             if (scanned.sealed) log_.durable = std::max(log_.durable, lsn);
             for (Record& record : batch.records) {
               if (meta && !record.is_item) all_meta_.emplace_back(lsn, std::move(record.meta));
             }
             scanned.parts.push_back(
                 {batch.offset, batch.offset + batch.header.part_bytes, std::move(batch.header)});
             return {};
           }));
    scanned.damages = result.damages;
    return {};
  }

  // All parts of a batch, found and with whole bodies.
  Result<bool> IsWhole(Lsn lsn) {
    const BatchHeader* any = nullptr;
    std::vector<SegmentSeq> found;
    for (const ScannedSegment& scanned : log_.segments) {
      for (const ScannedSegment::Part& part : scanned.parts) {
        if (part.header.lsn != lsn) continue;
        any = &part.header;
        PS_TRY(const bool intact, BodiesAreWhole(scanned, part));
        if (intact) found.push_back(scanned.segment->header().sequence);
      }
    }
    if (any == nullptr) return false;
    return std::all_of(any->parts.begin(), any->parts.end(), [&](SegmentSeq sequence) {
      return std::find(found.begin(), found.end(), sequence) != found.end();
    });
  }

  Result<bool> BodiesAreWhole(const ScannedSegment& scanned, const ScannedSegment::Part& part) {
    PS_TRY(const std::shared_ptr<DiskFile> file, scanned.segment->File());
    DiskSource source(*file, scanned.file_bytes);
    std::vector<uint8_t> head(part.header.head_bytes);
    PS_TRY_VOID(source.Read(part.offset, head));
    PS_TRY(const DecodedBatch batch, DecodeBatchHead(head, scanned.segment->header().uuid));
    for (const Record& record : batch.records) {
      if (!record.is_item) continue;
      const Status whole = VerifyItemBytes(source, record.item);
      if (whole.ok()) continue;
      if (whole.error().code() != ErrorCode::kCorruption) return whole.error();
      return false;
    }
    return true;
  }

  // The log ends before the first batch after `durable` that is not whole.
  Status FindEnd() {
    Lsn last = log_.durable;
    for (const ScannedSegment& scanned : log_.segments) last = std::max(last, scanned.last_lsn);
    log_.end = log_.durable;
    while (log_.end < last) {
      PS_TRY(const bool whole, IsWhole(log_.end + 1));
      if (!whole) break;
      ++log_.end;
    }
    log_.voided = last - log_.end;
    for (ScannedSegment& scanned : log_.segments) {
      if (scanned.sealed) continue;
      for (const ScannedSegment::Part& part : scanned.parts) {
        if (part.header.lsn <= log_.end) scanned.end = part.end;
      }
    }
    return {};
  }

  // Damage before the end of what counts is damage to acknowledged bytes; behind it, a torn tail.
  Status JudgeDamages() {
    for (const ScannedSegment& scanned : log_.segments) {
      const bool meta = scanned.segment->header().retention_class == kMetaClass;
      for (const ScanDamage& damage : scanned.damages) {
        if (damage.offset < scanned.end) {
          PS_TRY_VOID(Harm(scanned.segment->path(), damage.offset, damage.what, meta));
        } else {
          log_.findings.push_back(
              {fmt::format("{}:{}", scanned.segment->path().string(), damage.offset),
               "torn tail: " + damage.what, false});
        }
      }
    }
    return {};
  }

  void SortMeta() {
    std::stable_sort(all_meta_.begin(), all_meta_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    Snapshot open;
    bool collecting = false;
    for (auto& [lsn, record] : all_meta_) {
      if (lsn > log_.end) break;
      switch (record.kind) {
        case MetaKind::kClaim:
        case MetaKind::kCatalogTxn:
        case MetaKind::kLowWater:
        case MetaKind::kReservation:
        case MetaKind::kReservationEnd:
        case MetaKind::kSegment:
        case MetaKind::kSegmentsRemoved:
          log_.meta.emplace_back(lsn, std::move(record));
          break;
        case MetaKind::kSnapshotBegin: {
          const auto begin = ParseSnapshotBegin(record.payload);
          collecting = begin.ok();
          open = Snapshot();
          if (!collecting) break;
          open.as_of = begin->as_of;
          open.catalog_counter = begin->catalog_counter;
          break;
        }
        case MetaKind::kSnapshotCatalog:
        case MetaKind::kSnapshotShard:
        case MetaKind::kSnapshotRequest:
        case MetaKind::kSnapshotSegment:
          if (collecting) open.records.push_back(std::move(record));
          break;
        case MetaKind::kSnapshotEnd: {
          const auto end = ParseSnapshotEnd(record.payload);
          if (collecting && end.ok() && end->as_of == open.as_of &&
              end->records == open.records.size()) {
            log_.snapshot = std::move(open);
          }
          open = Snapshot();
          collecting = false;
          break;
        }
      }
    }
  }

  // A file without a batch is as good as none: a segment is registered by its first one.
  Status FindMissing() {
    const Lsn base = log_.snapshot ? log_.snapshot->as_of : 0;
    if (log_.snapshot) {
      for (const MetaRecord& record : log_.snapshot->records)
        PS_TRY_VOID(log_.registered.Fold(record));
    }
    for (const auto& [lsn, record] : log_.meta) {
      if (lsn > base) PS_TRY_VOID(log_.registered.Fold(record));
    }
    for (const ScannedSegment& scanned : log_.segments) {
      if (!scanned.sealed && scanned.parts.empty() && scanned.damages.empty())
        present_.erase(scanned.segment->header().sequence);
    }
    for (const auto& [sequence, segment] : log_.registered.segments()) {
      if (!present_.contains(sequence)) log_.missing.push_back(segment);
      // No name is used twice.
      log_.next_sequence = std::max(log_.next_sequence, sequence + 1);
    }
    return {};
  }

  // An epoch begins with its claim, in a segment of metadata of its own: a segment of items without
  // one at least as new means that metadata is gone.
  Status JudgeMeta() {
    uint64_t items = 0;
    uint64_t meta = 0;
    for (const ScannedSegment& scanned : log_.segments) {
      const SegmentHeader& header = scanned.segment->header();
      uint64_t& newest = header.retention_class == kMetaClass ? meta : items;
      newest = std::max(newest, header.epoch);
    }
    if (items <= meta) return {};
    const std::string what = fmt::format("the metadata of epoch {} is not there", items);
    log_.findings.push_back({log_.directory.string(), what, true});
    if (tolerant_) return {};
    return Error(ErrorCode::kCorruption, log_.directory.string() + ": " + what);
  }

  Disk& disk_;
  const Uuid store_;
  const bool tolerant_;
  LaneLog log_;
  std::vector<std::pair<Lsn, MetaRecord>> all_meta_;
  std::set<SegmentSeq> present_;  // files
};

// Evidence for people; nothing reads it again.
void KeepTornBytes(Disk& disk, const LaneLog& log, const ScannedSegment& scanned, DiskFile& file) {
  constexpr uint64_t kKeptMax = 64u << 20;
  const std::filesystem::path directory = log.directory / kTornDirectoryName;
  const uint64_t bytes =
      std::min(scanned.file_bytes - scanned.end, kKeptMax) / kBlockBytes * kBlockBytes;
  auto torn = ReadRange(file, scanned.end, bytes);
  if (!torn.ok()) return;
  size_t used = bytes;
  while (used > 0 && torn->data()[used - 1] == 0) --used;
  if (used == 0) return;
  if (!disk.CreateDirectories(directory).ok()) return;
  auto copy = disk.Open(directory / TornFileName(scanned.segment->header().sequence, scanned.end),
                        Disk::Mode::kCreate, false);
  if (!copy.ok()) return;  // There from an earlier try.
  const iovec piece{const_cast<uint8_t*>(torn->data()), AlignUp(used, kBlockBytes)};
  // Best effort: the disk may be full.
  (void)(*copy)->Write(0, std::span<const iovec>(&piece, 1));
}

}  // namespace

Result<LaneLog> ScanLane(Disk& disk, const std::filesystem::path& directory, uint32_t lane,
                         const Uuid& store, bool tolerant) {
  return LaneScanner(disk, directory, lane, store, tolerant).Run();
}

Status VisitItems(LaneLog& log, Lsn from, const ItemVisitor& visit) {
  for (ScannedSegment& scanned : log.segments) {
    const SegmentHeader& header = scanned.segment->header();
    if (header.retention_class == kMetaClass || scanned.last_lsn <= from) continue;
    PS_TRY(const std::shared_ptr<DiskFile> file, scanned.segment->File());
    DiskSource source(*file, scanned.sealed ? scanned.file_bytes : scanned.end);
    const bool judged = !scanned.sealed || scanned.footer_damaged;
    if (!judged) {
      auto footer = ReadFooter(source, header);
      if (footer.ok()) {
        for (FooterEntry& entry : footer->entries) {
          if (entry.lsn > from && entry.lsn <= log.end) {
            PS_TRY_VOID(visit(entry.lsn, StoredItem{std::move(entry.item), header.sequence}));
          }
        }
        scanned.segment->CloseFile();
        continue;
      }
      if (footer.error().code() != ErrorCode::kCorruption) return footer.error();
      NoteDamagedFooter(log, scanned, footer.error());
    }
    const auto each = [&](ScannedBatch batch) -> Status {
      if (batch.header.lsn <= from || batch.header.lsn > log.end) return {};
      for (Record& record : batch.records) {
        if (record.is_item)
          PS_TRY_VOID(visit(batch.header.lsn, StoredItem{std::move(record.item), header.sequence}));
      }
      return {};
    };
    PS_TRY(const ScanResult scan, ScanSegment(source, header, each));
    if (judged) continue;
    for (const ScanDamage& damage : scan.damages) {
      if (damage.offset < scanned.end)
        NoteHarm(log, scanned.segment->path(), damage.offset, damage.what);
    }
  }
  return {};
}

// 1. Void bytes are copied aside, cut off, synced: a repetition finds the same end, since cutting
// makes no batch whole.
// 2. The segment is sealed, or removed if it holds nothing.
// 3. The directory is synced. Only then does a new epoch use the LSNs that were void.
Status FinishLane(Disk& disk, LaneLog& log) {
  std::vector<ScannedSegment> kept;
  for (ScannedSegment& scanned : log.segments) {
    if (scanned.sealed) {
      kept.push_back(std::move(scanned));
      continue;
    }
    Segment& segment = *scanned.segment;
    if (scanned.end == kBlockBytes && scanned.damages.empty()) {
      segment.CloseFile();
      PS_TRY_VOID(disk.Unlink(segment.path()));
      continue;
    }
    segment.CloseFile();
    PS_TRY(const std::unique_ptr<DiskFile> file,
           disk.Open(segment.path(), Disk::Mode::kReadWrite, true));
    const bool torn = !scanned.damages.empty() ||
                      (!scanned.parts.empty() && scanned.parts.back().end > scanned.end);
    if (torn) KeepTornBytes(disk, log, scanned, *file);
    PS_TRY_VOID(file->Truncate(scanned.end));
    PS_TRY_VOID(file->Sync());
    PS_TRY_VOID(SealSegment(segment, *file, scanned.end, log.end));
    scanned.sealed = true;
    kept.push_back(std::move(scanned));
  }
  log.segments = std::move(kept);
  for (const std::string& name : log.leftovers) PS_TRY_VOID(disk.Unlink(log.directory / name));
  StoreMetrics::Get().voided.Add(log.voided);
  return disk.SyncDirectory(log.directory);
}

}  // namespace penstock::store
