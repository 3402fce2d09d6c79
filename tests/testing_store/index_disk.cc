#include "tests/testing_store/index_disk.h"

#include <atomic>
#include <limits>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace penstock::testing {
namespace {

using rocksdb::DataVerificationInfo;
using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class Room {
 public:
  void FillAt(uint64_t nth) { left_.store(static_cast<int64_t>(nth) - 1); }
  void MakeRoom() { left_.store(kEndless); }
  uint64_t refused() const { return refused_.load(); }
  IOStatus Take() {
    if (left_.fetch_sub(1) > 0) return IOStatus::OK();
    ++refused_;
    return IOStatus::NoSpace("by order of the test");
  }

 private:
  static constexpr int64_t kEndless = std::numeric_limits<int64_t>::max() / 2;
  std::atomic<int64_t> left_{kEndless};
  std::atomic<uint64_t> refused_{0};
};

class File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<FSWritableFile> file, Room& room)
      : FSWritableFileOwnerWrapper(std::move(file)), room_(room) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* dbg) override {
    IOStatus room = room_.Take();
    if (room.ok()) return target()->Append(data, options, dbg);
    return WriteAPart(data, options, dbg, std::move(room));
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const DataVerificationInfo& info,
                  IODebugContext* dbg) override {
    IOStatus room = room_.Take();
    if (room.ok()) return target()->Append(data, options, info, dbg);
    return WriteAPart(data, options, dbg, std::move(room));
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            IODebugContext* dbg) override {
    IOStatus room = room_.Take();
    return room.ok() ? target()->PositionedAppend(data, offset, options, dbg) : room;
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            const DataVerificationInfo& info, IODebugContext* dbg) override {
    IOStatus room = room_.Take();
    return room.ok() ? target()->PositionedAppend(data, offset, options, info, dbg) : room;
  }

 private:
  IOStatus WriteAPart(const Slice& data, const IOOptions& options, IODebugContext* dbg,
                      IOStatus room) {
    const IOStatus part = target()->Append(Slice(data.data(), data.size() / 2), options, dbg);
    return part.ok() ? room : part;
  }

  Room& room_;
};

}  // namespace

class IndexDisk::Files final : public rocksdb::FileSystemWrapper {
 public:
  Files() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  const char* Name() const override { return "IndexDisk"; }
  Room& room() { return room_; }

  IOStatus NewWritableFile(const std::string& name, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* file, IODebugContext* dbg) override {
    IOStatus made = room_.Take();
    if (made.ok()) made = target()->NewWritableFile(name, options, file, dbg);
    if (made.ok()) *file = std::make_unique<File>(std::move(*file), room_);
    return made;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* dbg) override {
    const IOStatus room = room_.Take();
    return room.ok() ? target()->RenameFile(from, to, options, dbg) : room;
  }

 private:
  Room room_;
};

IndexDisk::IndexDisk()
    : files_(std::make_shared<Files>()), environment_(rocksdb::NewCompositeEnv(files_)) {}

IndexDisk::~IndexDisk() = default;

void IndexDisk::FillAt(uint64_t nth) { files_->room().FillAt(nth); }
void IndexDisk::MakeRoom() { files_->room().MakeRoom(); }
uint64_t IndexDisk::refused() const { return files_->room().refused(); }
rocksdb::Env* IndexDisk::environment() { return environment_.get(); }

}  // namespace penstock::testing
