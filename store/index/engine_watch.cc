#include "store/index/engine_watch.h"

#include <condition_variable>
#include <mutex>
#include <string>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/listener.h>
#include <rocksdb/status.h>

namespace penstock::store {

Status ToStatus(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return {};
  ErrorCode code = ErrorCode::kIo;
  if (status.IsNotFound()) code = ErrorCode::kNotFound;
  if (status.IsCorruption()) code = ErrorCode::kCorruption;
  if (status.IsNoSpace()) code = ErrorCode::kFull;
  return Error(code, std::string("index: ") + std::string(what) + ": " + status.ToString());
}

class EngineWatch::State {
 public:
  void SetPatient(bool patient) {
    const std::lock_guard lock(mutex_);
    patient_ = patient;
    Wake();
  }
  bool waits() const {
    const std::lock_guard lock(mutex_);
    return waiting_ > 0;
  }
  void TryAgain() {
    std::unique_lock lock(mutex_);
    ++tries_;
    asleep_ = 0;
    Wake();
    wake_.wait(lock, [this] { return asleep_ == waiting_ || !patient_; });
  }
  void Note() {
    const std::lock_guard lock(mutex_);
    Wake();
  }
  void SetError(Status error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
    Wake();
  }

  // `write` again and again, until it finds room.
  template <class Write>
  rocksdb::IOStatus Insist(const Write& write) {
    rocksdb::IOStatus written = write();
    if (!written.IsNoSpace()) return written;
    std::unique_lock lock(mutex_);
    ++waiting_;
    while (written.IsNoSpace() && patient_) {
      const uint64_t tries = tries_;
      ++asleep_;
      Wake();
      wake_.wait(lock, [&] { return tries_ != tries || !patient_; });
      lock.unlock();
      written = write();
      lock.lock();
    }
    --waiting_;
    Wake();
    return written;
  }

  Status Await(const std::function<bool()>& flushed) {
    std::unique_lock lock(mutex_);
    for (;;) {
      const uint64_t seen = events_;
      if (!error_.ok()) return error_;
      if (waiting_ > 0) return Error(ErrorCode::kFull, "index: flush: there is no room");
      lock.unlock();
      if (flushed()) return {};
      lock.lock();
      wake_.wait(lock, [&] { return events_ != seen; });
    }
  }
  void AwaitProgress(std::chrono::milliseconds at_most) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, at_most, [&, seen = events_] { return events_ != seen; });
  }

 private:
  void Wake() {
    ++events_;
    wake_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool patient_ = false;  // under mutex_, as all below
  size_t waiting_ = 0;    // writes that have found no room yet
  size_t asleep_ = 0;     // those of them that have been tried since the last TryAgain
  uint64_t tries_ = 0;
  uint64_t events_ = 0;
  Status error_;  // why nothing is written any more
};

class EngineWatch::Listener final : public rocksdb::EventListener {
 public:
  explicit Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) override {
    if (error->severity() >= rocksdb::Status::Severity::kHardError)
      state_->SetError(ToStatus(*error, "flush"));
  }
  void OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) override {
    if (info.new_bg_error.ok()) state_->SetError(Status());
  }
  void OnFlushCompleted(rocksdb::DB*, const rocksdb::FlushJobInfo&) override { state_->Note(); }
  void OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override {
    state_->Note();
  }

 private:
  const std::shared_ptr<State> state_;
};

// An append that found no room may have written a part of it. It is repeated at the place where it
// belongs, and so is everything after it, since the file's own place is behind that part.
class EngineWatch::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> file, std::shared_ptr<State> state)
      : FSWritableFileOwnerWrapper(std::move(file)), state_(std::move(state)) {}

  using FSWritableFileOwnerWrapper::PositionedAppend;

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* dbg) override {
    return Insist(data, [&] {
      return positioned_ ? target()->PositionedAppend(data, size_, options, dbg)
                         : target()->Append(data, options, dbg);
    });
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& info,
                           rocksdb::IODebugContext* dbg) override {
    return Insist(data, [&] {
      return positioned_ ? target()->PositionedAppend(data, size_, options, info, dbg)
                         : target()->Append(data, options, info, dbg);
    });
  }

 private:
  template <class Write>
  rocksdb::IOStatus Insist(const rocksdb::Slice& data, const Write& write) {
    const rocksdb::IOStatus written = state_->Insist([&] {
      rocksdb::IOStatus one = write();
      if (one.IsNoSpace()) positioned_ = true;
      return one;
    });
    if (written.ok()) size_ += data.size();
    return written;
  }

  const std::shared_ptr<State> state_;
  uint64_t size_ = 0;
  bool positioned_ = false;
};

class EngineWatch::Files final : public rocksdb::FileSystemWrapper {
 public:
  Files(const std::shared_ptr<rocksdb::FileSystem>& files, std::shared_ptr<State> state)
      : FileSystemWrapper(files), state_(std::move(state)) {}

  const char* Name() const override { return "PatientFiles"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* dbg) override {
    rocksdb::IOStatus made =
        state_->Insist([&] { return target()->NewWritableFile(name, options, file, dbg); });
    if (made.ok()) *file = std::make_unique<File>(std::move(*file), state_);
    return made;
  }
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* dbg) override {
    return state_->Insist([&] { return target()->RenameFile(from, to, options, dbg); });
  }

 private:
  const std::shared_ptr<State> state_;
};

EngineWatch::EngineWatch() : state_(std::make_shared<State>()) {}
EngineWatch::~EngineWatch() = default;

std::shared_ptr<rocksdb::EventListener> EngineWatch::listener() const {
  return std::make_shared<Listener>(state_);
}

rocksdb::Env* EngineWatch::MakePatient(rocksdb::Env* environment) {
  if (environment == nullptr) environment = rocksdb::Env::Default();
  environment_ =
      rocksdb::NewCompositeEnv(std::make_shared<Files>(environment->GetFileSystem(), state_));
  return environment_.get();
}

void EngineWatch::StartWaiting() { state_->SetPatient(true); }
void EngineWatch::StopWaiting() { state_->SetPatient(false); }
bool EngineWatch::waits() const { return state_->waits(); }
void EngineWatch::TryAgain() { state_->TryAgain(); }
Status EngineWatch::Await(const std::function<bool()>& flushed) { return state_->Await(flushed); }
void EngineWatch::AwaitProgress(std::chrono::milliseconds at_most) {
  state_->AwaitProgress(at_most);
}

}  // namespace penstock::store
