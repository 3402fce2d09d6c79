// The files of a lane: which one takes a class's parts, where it comes from, when it is closed,
// sealed and removed.
#include <algorithm>

#include "base/log.h"
#include "base/random.h"
#include "store/log/lane.h"
#include "store/metrics.h"

namespace penstock::store {
namespace {

// Active segments for items, at most.
constexpr size_t kClassesMax = 16;
// The same for copies: each takes the room of a whole segment until it is closed.
constexpr size_t kCopyClassesMax = 2;

}  // namespace

// Each class in use has a file and a sync of its own; beyond the bound an item stands with those
// that are kept at least as long. Its own retention hides it on time all the same.
Lane::Group Lane::PlaceFor(Group group) const {
  const auto found = active_.lower_bound(group);
  const bool longer = found != active_.end() && found->first.copies == group.copies;
  if (group == Group() || (longer && found->first == group)) return group;
  const auto alike = std::count_if(active_.begin(), active_.end(), [&](const auto& entry) {
    return entry.first.copies == group.copies && entry.first != Group();
  });
  if (static_cast<size_t>(alike) < (group.copies ? kCopyClassesMax : kClassesMax)) return group;
  return longer ? found->first : std::prev(found)->first;
}

bool Lane::SpansTooMuch(const ActiveSegment& segment, int64_t now_ms) const {
  const uint32_t hours = segment.header().retention_class;
  if (hours == kMetaClass || segment.first_ms == 0) return false;
  // 5 % over-retention, but not a segment for every few seconds.
  const int64_t span_ms = options_.segment_span.count() > 0
                              ? std::chrono::milliseconds(options_.segment_span).count()
                              : std::max<int64_t>(int64_t{hours} * 3'600'000 / 20, 10'000);
  return now_ms - segment.first_ms > span_ms;
}

// How old copies are says nothing of how long their segment has been written.
Result<std::shared_ptr<ActiveSegment>> Lane::SegmentFor(Group group, uint64_t bytes,
                                                        int64_t server_ms) {
  const auto found = active_.find(group);
  if (found != active_.end()) {
    const ActiveSegment& open = *found->second;
    const bool takes = open.HasRoomFor(bytes) && open.items < options_.segment_items;
    if (takes && (group.copies || !SpansTooMuch(open, server_ms))) return found->second;
    const std::shared_ptr<ActiveSegment> full = found->second;
    active_.erase(found);
    Close(full);
  }
  return CreateSegment(group, bytes, server_ms);
}

Result<std::pair<std::filesystem::path, std::unique_ptr<DiskFile>>> Lane::MakeSpare(
    uint64_t bytes) {
  const std::filesystem::path path = options_.directory / SpareFileName(next_sequence_++);
  PS_TRY(std::unique_ptr<DiskFile> file, disk_.Open(path, Disk::Mode::kCreate, true));
  const Status allocated = file->Allocate(bytes);
  if (!allocated.ok()) {
    file.reset();
    (void)disk_.Unlink(path);  // Best effort: the next opening removes it.
    return allocated.error();
  }
  return std::pair(path, std::move(file));
}

Result<std::pair<std::filesystem::path, std::unique_ptr<DiskFile>>> Lane::TakeFile(
    uint32_t retention_class, uint64_t bytes, uint64_t& capacity) {
  const bool meta = retention_class == kMetaClass;
  std::unique_ptr<Spare>& spare = meta ? meta_spare_ : spare_;
  capacity = std::max(meta ? meta_segment_bytes_ : options_.segment_bytes,
                      AlignUp(bytes, kBlockBytes) + kBlockBytes);
  // The one for metadata is only touched when nothing else can be had.
  if (!meta && spare && spare->bytes >= capacity) {
    const std::unique_ptr<Spare> taken = std::move(spare);
    capacity = taken->bytes;
    return std::pair(taken->path, std::move(taken->file));
  }
  auto made = MakeSpare(capacity);
  if (!made.ok() && made.error().code() == ErrorCode::kFull && meta && spare &&
      spare->bytes >= bytes + kBlockBytes) {
    const std::unique_ptr<Spare> taken = std::move(spare);
    capacity = taken->bytes;
    return std::pair(taken->path, std::move(taken->file));
  }
  return made;
}

// 1. A preallocated file under the name of a spare (recovery removes it).
// 2. Header written and synced (still a spare).
// 3. Renamed, directory synced (an empty segment: sealed, then removed by retention).
Status Lane::InstallSegment(const std::filesystem::path& spare, DiskFile& file,
                            SegmentHeader& header, const std::filesystem::path& path) {
  const std::vector<uint8_t> encoded = EncodeSegmentHeader(header);
  AlignedBuffer block(kBlockBytes);
  std::copy(encoded.begin(), encoded.end(), block.data());
  const iovec piece{block.data(), block.size()};
  PS_TRY_VOID(file.Write(0, std::span<const iovec>(&piece, 1)));
  PS_TRY_VOID(file.Sync());
  PS_TRY_VOID(disk_.Rename(spare, path));
  return disk_.SyncDirectory(options_.directory);
}

Result<std::shared_ptr<ActiveSegment>> Lane::CreateSegment(Group group, uint64_t bytes,
                                                           int64_t server_ms) {
  const uint32_t retention_class = group.retention_class;
  uint64_t capacity = 0;
  PS_TRY(auto taken, TakeFile(retention_class, bytes, capacity));
  const std::shared_ptr<DiskFile> file = std::move(taken.second);
  SegmentHeader header;
  header.lane = options_.lane;
  header.retention_class = retention_class;
  header.sequence = next_sequence_++;
  header.epoch = options_.epoch;
  header.first_lsn = next_lsn_;
  header.created_ms = server_ms;
  FillRandom(header.uuid);
  header.store = options_.store;
  const std::filesystem::path path =
      options_.directory / SegmentFileName({header.sequence, retention_class});
  const Status installed = InstallSegment(taken.first, *file, header, path);
  if (!installed.ok()) {
    // Best effort: it holds nothing, and the next opening removes it.
    (void)disk_.Unlink(taken.first);
    (void)disk_.Unlink(path);
    return installed.error();
  }
  auto segment = std::make_shared<Segment>(disk_, path, header);
  segment->SetFile(file);
  segment->SetBytes(capacity);
  segments_.Add(segment);
  auto active = std::make_shared<ActiveSegment>(segment, file, capacity);
  active_[group] = active;
  if (retention_class != kMetaClass)
    unregistered_[header.sequence] = {header.sequence, retention_class, header.epoch, 0};
  StoreMetrics::Get().created.Add();
  if (retention_class == kMetaClass)
    listener_.MetaSegmentBegun(options_.lane, header.sequence, header.first_lsn);
  return active;
}

void Lane::Close(std::shared_ptr<ActiveSegment> segment) {
  unregistered_.erase(segment->header().sequence);  // if it stayed empty
  {
    const std::lock_guard lock(turn_mutex_);
    segment->closed = true;
    if (segment->unpublished > 0) return;  // the last batch in it seals it
  }
  SealLater(std::move(segment));
}

void Lane::SealLater(std::shared_ptr<ActiveSegment> segment) {
  background_.Post([this, segment = std::move(segment)] {
    if (read_only()) return;  // the next opening seals it
    const Status sealed =
        SealSegment(*segment->segment(), segment->file(), segment->end(), durable_lsn());
    if (!sealed.ok()) {
      // Nothing is lost: it is read as it is, and sealed by the next opening.
      log::Write(
          log::kError, "segment cannot be sealed",
          {{"segment", segment->segment()->path().string()}, {"error", sealed.error().ToString()}});
    }
  });
}

Status SealSegment(Segment& segment, DiskFile& file, uint64_t data_end, Lsn durable_lsn) {
  Footer footer;
  footer.data_end = data_end;
  footer.durable_lsn = durable_lsn;
  footer.last_crc = segment.header().crc;
  DiskSource source(file, data_end);
  PS_TRY(const ScanResult scanned,
         ScanSegment(source, segment.header(), [&](ScannedBatch batch) -> Status {
           if (footer.first_lsn == 0) footer.first_lsn = batch.header.lsn;
           footer.last_lsn = batch.header.lsn;
           footer.last_crc = batch.header.crc;
           for (Record& record : batch.records) {
             if (record.is_item)
               footer.entries.push_back({batch.header.lsn, std::move(record.item)});
           }
           return {};
         }));
  for (const ScanDamage& damage : scanned.damages) {
    log::Write(
        log::kError, "segment is damaged",
        {{"segment", segment.path().string()}, {"offset", damage.offset}, {"error", damage.what}});
  }
  const std::vector<uint8_t> encoded = EncodeFooter(footer, segment.header().uuid);
  AlignedBuffer bytes(encoded.size());
  std::copy(encoded.begin(), encoded.end(), bytes.data());
  const iovec piece{bytes.data(), bytes.size()};
  PS_TRY_VOID(file.Write(data_end, std::span<const iovec>(&piece, 1)));
  PS_TRY_VOID(file.Truncate(data_end + bytes.size()));
  PS_TRY_VOID(file.Sync());
  segment.SetSealed(data_end + bytes.size(), footer.server_ms_max);
  StoreMetrics::Get().sealed.Add();
  return {};
}

void Lane::CloseOldSegments(int64_t now_ms) {
  const std::lock_guard lock(plan_mutex_);
  for (auto at = active_.begin(); at != active_.end();) {
    if (at->first.copies || !SpansTooMuch(*at->second, now_ms)) {
      ++at;
      continue;
    }
    const std::shared_ptr<ActiveSegment> old = at->second;
    at = active_.erase(at);
    Close(old);
  }
}

void Lane::CloseCopies() {
  const std::lock_guard lock(plan_mutex_);
  for (auto at = active_.lower_bound(Group{true, 0}); at != active_.end();) {
    const std::shared_ptr<ActiveSegment> done = at->second;
    at = active_.erase(at);
    Close(done);
  }
}

void Lane::PrepareSpares() {
  const std::lock_guard lock(plan_mutex_);
  if (read_only()) return;
  const auto prepare = [this](std::unique_ptr<Spare>& spare, uint64_t bytes) {
    if (spare) return;
    auto made = MakeSpare(bytes);
    // Without a spare the next segment is made when it is needed, or refused then.
    if (!made.ok()) return;
    spare = std::make_unique<Spare>();
    spare->path = std::move(made->first);
    spare->file = std::move(made->second);
    spare->bytes = bytes;
  };
  prepare(meta_spare_, meta_segment_bytes_);
  const bool needed = std::any_of(active_.begin(), active_.end(), [](const auto& entry) {
    return entry.first != Group() && entry.second->end() > entry.second->capacity() / 2;
  });
  if (needed) prepare(spare_, options_.segment_bytes);
}

void Lane::KeepMetaSegmentAbove(uint64_t bytes) {
  const std::lock_guard lock(plan_mutex_);
  meta_segment_bytes_ = std::max(meta_segment_bytes_, AlignUp(bytes, kBlockBytes));
}

Status Lane::RemoveSegments(const std::vector<std::shared_ptr<Segment>>& segments) {
  if (segments.empty()) return {};
  for (const auto& segment : segments) {
    segments_.Remove(segment->header().sequence);
    PS_TRY_VOID(disk_.Unlink(segment->path()));
    StoreMetrics::Get().removed.Add();
  }
  return disk_.SyncDirectory(options_.directory);
}

}  // namespace penstock::store
