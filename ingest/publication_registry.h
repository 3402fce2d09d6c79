// Who publishes what: the one place that knows every current and recent publication.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "ingest/hole_notes.h"
#include "ingest/recorder.h"
#include "ingest/sources.h"
#include "store/store.h"

namespace penstock::ingest {

struct RecordingOptions {
  fragmenter::CutPolicy cut;
  uint32_t retention_hours = 24;  // of streams that publishing creates
};

// Thread-safe. Must outlive its recorders: wait for Drain before destruction.
class PublicationRegistry final : public Publications {
 public:
  PublicationRegistry(store::Store& store, Clock& clock, RecordingOptions options);
  ~PublicationRegistry() override;

  // Before anything is published.
  Task<void> Start() { return holes_.Sweep(store_); }
  // For publications that begin, and streams that are made, from now on.
  void SetOptions(RecordingOptions options);

  Task<Result<std::unique_ptr<MediaSink>>> Begin(StreamName stream, std::string source) override;
  void Report(const StreamName& stream, SourceStatus status) override;

  // A publication whose media does not pass through a sink (uploads): as Begin, with what status is
  // to show. Its stream exists. Ended is called when nothing of it is on its way any more.
  Status Claim(const StreamName& stream, const std::string& source,
               std::shared_ptr<const PublicationView> view);
  void Ended(const StreamName& stream);
  // Where the stream's media ends that was there before, and why it does; nothing if there is none.
  Task<std::optional<MediaEnd>> FindMediaEnd(StreamName stream,
                                             std::shared_ptr<store::Shard> shard);
  // The shard's media ends with this item.
  void NoteEnd(const StreamName& stream, const ShardId& shard, uint64_t after,
               store::GapReason reason) {
    holes_.Note(stream, shard, after, reason);
  }

  // A source that is pulled is shown even before it connects; forgotten when removed.
  void Expect(const StreamName& stream, std::string from);
  void Forget(const StreamName& stream);

  // Its source was removed, and the publication has ended: nobody expects media.
  Task<void> NoteRemoval(StreamName stream) { return holes_.NoteRemoval(std::move(stream)); }
  // As Sources says.
  store::GapReason WhyNothing(const StreamName& stream, const ShardId& shard, uint64_t last) const;

  std::vector<PublicationStatus> GetStatus() const;

  // The server ends: publications that end from now on do so because of it.
  void Stop() { holes_.Stop(); }
  // Waits until every sink is gone and its last fragment has reached the store or failed.
  Task<void> Drain();
  size_t active() const;

 private:
  struct Entry {
    std::string kind = "push";
    std::string from;
    SourceStatus reported;
    ServerTime since;
    bool active = false;     // a sink exists, or its last fragments are still on their way
    bool forgotten = false;  // goes when it is not active any more
    std::shared_ptr<const PublicationView> view;
  };
  class Sink;

  // Whether a publisher may hope that a stream of this name can be made.
  Status CheckNewStream(const StreamName& stream) const;
  Task<Result<OpenedShard>> FindOrCreate(StreamName stream);
  RecordingOptions options() const;
  PublicationStatus Describe(const StreamName& stream, const Entry& entry) const;

  store::Store& store_;
  Clock& clock_;
  PendingBytes pending_;
  HoleNotes holes_;

  mutable std::mutex mutex_;
  RecordingOptions options_;
  std::map<StreamName, Entry> entries_;
  size_t active_ = 0;
  std::optional<Oneshot<Unit>> drained_;
};

// How a publication is, in words for people: pure, from what its recorder has counted.
SourceStatus JudgeRecording(const RecorderCounters& counters);

// One status from what the session reports and what the recorder's counters say. Trouble of the
// session outweighs what can be guessed from silence; trouble of the store outweighs both as long
// as the session lasts: without one nothing comes that could be stored, and nobody knows. While all
// is well both have their say ("without G.711 (PCMA), which cannot be recorded").
SourceStatus CombineStatus(const SourceStatus& reported, const SourceStatus& judged,
                           bool storage_trouble);

}  // namespace penstock::ingest
