#include "store/log/segment_table.h"

namespace penstock::store {

Result<std::shared_ptr<DiskFile>> Segment::File() {
  const std::lock_guard lock(mutex_);
  if (!file_) {
    PS_TRY(file_, disk_.Open(path_, Disk::Mode::kRead, true));
  }
  return file_;
}

std::shared_ptr<const FileHandle> Segment::SendHandle() {
  if (!sealed()) return nullptr;
  const auto file = File();
  if (!file.ok()) return nullptr;
  const std::lock_guard lock(mutex_);
  if (!send_) send_ = (*file)->OpenForSend();
  return send_;
}

bool Segment::IsVerified(uint64_t offset) {
  const std::lock_guard lock(mutex_);
  return verified_.contains(offset);
}

void Segment::SetVerified(uint64_t offset) {
  const std::lock_guard lock(mutex_);
  verified_.insert(offset);
}

void Segment::SetFile(std::shared_ptr<DiskFile> file) {
  const std::lock_guard lock(mutex_);
  file_ = std::move(file);
}

void Segment::CloseFile() {
  const std::lock_guard lock(mutex_);
  file_.reset();
  send_.reset();
}

void Segment::SetSealed(uint64_t bytes, int64_t server_ms_max) {
  bytes_.store(bytes, std::memory_order_relaxed);
  server_ms_max_.store(server_ms_max, std::memory_order_relaxed);
  sealed_.store(true, std::memory_order_release);
}

void SegmentTable::Add(std::shared_ptr<Segment> segment) {
  const std::lock_guard lock(mutex_);
  const SegmentSeq sequence = segment->header().sequence;
  segments_[sequence] = std::move(segment);
}

void SegmentTable::Remove(SegmentSeq sequence) {
  const std::lock_guard lock(mutex_);
  segments_.erase(sequence);
}

std::shared_ptr<Segment> SegmentTable::Find(SegmentSeq sequence) {
  std::shared_ptr<Segment> evicted;
  const std::lock_guard lock(mutex_);
  const auto found = segments_.find(sequence);
  if (found == segments_.end()) return nullptr;
  if (found->second->sealed() && opened_set_.insert(sequence).second) {
    opened_.push_back(found->second);
    if (opened_.size() > kOpenFilesMax) {
      evicted = opened_.front().lock();
      opened_.pop_front();
    }
  }
  if (evicted) {
    opened_set_.erase(evicted->header().sequence);
    evicted->CloseFile();
  }
  return found->second;
}

std::vector<std::shared_ptr<Segment>> SegmentTable::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Segment>> out;
  out.reserve(segments_.size());
  for (const auto& [sequence, segment] : segments_) out.push_back(segment);
  return out;
}

}  // namespace penstock::store
