// Every upload that is under way, by stream.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/upload_limits.h"
#include "ingest/publication_registry.h"
#include "ingest/upload/upload_metrics.h"
#include "ingest/upload/upload_room.h"
#include "ingest/upload/upload_stream.h"
#include "store/store.h"

namespace penstock::ingest {

struct UploadOptions {
  fragmenter::UploadLimits limits;
  size_t connections = 16;  // of one stream at a time
  size_t memory_bytes = limits::kUploadBytesMax;
  std::chrono::milliseconds room_time = limits::kUploadRoomTime;
};

// Finds what the connections of a stream share, and keeps it for those that come later, so that a
// run goes on where it ended. A stream with a connection, or with fragments on their way to the
// log, is a publication. Thread-safe; outlives its seats.
class Uploads {
 public:
  Uploads(store::Store& store, PublicationRegistry& registry, Clock& clock, UploadOptions options)
      : store_(store),
        registry_(registry),
        clock_(clock),
        options_(options),
        room_(options.memory_bytes) {
    UploadMetrics::Get();
  }

  // A share in a stream's publication: of a connection, and of each append. The publication ends
  // with the last.
  class Seat {
   public:
    Seat(Uploads& uploads, std::shared_ptr<UploadStream> stream)
        : uploads_(uploads), stream_(std::move(stream)) {}
    ~Seat() { uploads_.Leave(*stream_, reason_); }
    Seat(const Seat&) = delete;
    UploadStream& stream() const { return *stream_; }
    // Why nothing more comes, if this is the last.
    void SetReason(store::GapReason reason) { reason_ = reason; }

   private:
    Uploads& uploads_;
    const std::shared_ptr<UploadStream> stream_;
    store::GapReason reason_ = store::GapReason::kCameraLost;
  };

  // `source` names the producer for people. kThrottled: too many connections, or somebody publishes
  // the stream by another protocol.
  Task<Result<std::shared_ptr<Seat>>> Begin(store::StreamInfo info,
                                            std::shared_ptr<store::Shard> shard,
                                            std::string source);

  // The server ends: no more begin, and whoever asked to be told is, once, on this thread.
  void Stop();
  uint64_t OnStop(std::function<void()> function);
  void ForgetStop(uint64_t id);

  store::Store& store() const { return store_; }
  Clock& clock() const { return clock_; }
  const UploadOptions& options() const { return options_; }
  UploadRoom& room() { return room_; }

 private:
  struct Entry {
    std::shared_ptr<UploadStream> stream;
    size_t seats = 0;
    uint64_t left = 0;  // when the last seat was given up, as a count
  };

  Result<std::shared_ptr<UploadStream>> Take(const StreamName& name,
                                             std::shared_ptr<store::Shard> shard,
                                             const std::string& source);
  void Leave(UploadStream& stream, store::GapReason reason);
  void ForgetOldest();

  store::Store& store_;
  PublicationRegistry& registry_;
  Clock& clock_;
  const UploadOptions options_;
  UploadRoom room_;

  std::mutex mutex_;
  std::map<ShardId, Entry> entries_;
  uint64_t leavings_ = 0;
  bool stopping_ = false;
  uint64_t last_stop_ = 0;
  std::map<uint64_t, std::function<void()>> stops_;
};

}  // namespace penstock::ingest
