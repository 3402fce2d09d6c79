// The segments of a lane, as readers and retention see them.
#pragma once

#include <atomic>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "store/disk/disk.h"
#include "store/log/segment_header.h"

namespace penstock::store {

// One file. Thread-safe. Shared by the table, its writer and readers: an unlinked segment stays
// readable for those who hold it.
class Segment {
 public:
  Segment(Disk& disk, std::filesystem::path path, const SegmentHeader& header)
      : disk_(disk), path_(std::move(path)), header_(header) {}

  const std::filesystem::path& path() const { return path_; }
  const SegmentHeader& header() const { return header_; }
  bool sealed() const { return sealed_.load(std::memory_order_acquire); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // Of a sealed segment with items: its newest server time.
  int64_t server_ms_max() const { return server_ms_max_.load(std::memory_order_relaxed); }

  // The open file; opened for reading if need be.
  Result<std::shared_ptr<DiskFile>> File();
  // For sendfile; nullptr if there is none or the segment is not sealed.
  std::shared_ptr<const FileHandle> SendHandle();

  // Which items' bytes were compared with their CRCs through the page cache since the start, by the
  // offset of their body.
  bool IsVerified(uint64_t offset);
  void SetVerified(uint64_t offset);

  void SetFile(std::shared_ptr<DiskFile> file);  // the writer's
  void CloseFile();                              // readers that have it keep it
  void SetBytes(uint64_t bytes) { bytes_.store(bytes, std::memory_order_relaxed); }
  void SetSealed(uint64_t bytes, int64_t server_ms_max);

  // Retention and the cleaner look again not before this (their own thread only).
  int64_t next_look_ms = 0;
  int64_t next_clean_ms = 0;

 private:
  Disk& disk_;
  const std::filesystem::path path_;
  const SegmentHeader header_;
  std::atomic<bool> sealed_{false};
  std::atomic<uint64_t> bytes_{0};
  std::atomic<int64_t> server_ms_max_{0};

  std::mutex mutex_;
  std::shared_ptr<DiskFile> file_;
  std::shared_ptr<const FileHandle> send_;
  std::unordered_set<uint64_t> verified_;
};

// Thread-safe.
class SegmentTable {
 public:
  void Add(std::shared_ptr<Segment> segment);
  void Remove(SegmentSeq sequence);
  // nullptr if there is none (retention has removed it).
  std::shared_ptr<Segment> Find(SegmentSeq sequence);
  std::vector<std::shared_ptr<Segment>> All() const;  // by sequence

 private:
  // Sealed segments with an open file; beyond this many the one opened first is closed.
  static constexpr size_t kOpenFilesMax = 128;

  mutable std::mutex mutex_;
  std::map<SegmentSeq, std::shared_ptr<Segment>> segments_;
  std::list<std::weak_ptr<Segment>> opened_;
  std::unordered_set<SegmentSeq> opened_set_;
};

}  // namespace penstock::store
