// Why nothing comes of a stream: known when its media ends, wanted when the next fragment begins,
// which may be after a crash.
#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "base/ids.h"
#include "base/task.h"
#include "store/store.h"

namespace penstock::ingest {

// One note for each stream: after which item its media ended, and why. It is good for the hole
// behind that item and, since ordinals only grow, for no other: nothing has to take it back. The
// newest is in memory and, soon afterwards, in the catalog ("hole/<stream>"); what cannot be
// written there is forgotten at the next start.
//
// The note of a stream that was deleted goes with the next start.
//
// Thread-safe. Drain before destruction.
class HoleNotes {
 public:
  explicit HoleNotes(store::Catalog& catalog) : catalog_(catalog) {}
  ~HoleNotes();

  // Erases the notes of streams that are no more. Before anything is published.
  Task<void> Sweep(const store::Store& store);

  // The stream's media ends with the item `after`. Called on an event loop, which writes it down.
  void Note(const StreamName& stream, const ShardId& shard, uint64_t after,
            store::GapReason reason);
  // Outweighs what the stream's note says: nobody expects media of a source that was removed.
  Task<void> NoteRemoval(StreamName stream);
  // The reason of the hole behind `last`, the shard's newest item. What nobody has noted was ended
  // by the end of the server.
  store::GapReason ReasonAfter(const StreamName& stream, const ShardId& shard, uint64_t last) const;

  // The server ends: that publications end with it is not their doing, and not noted.
  void Stop();
  // Waits until everything is written.
  Task<void> Drain();

 private:
  struct Entry {
    ShardId shard;
    uint64_t after = 0;
    store::GapReason reason = store::GapReason::kNone;
  };
  struct Known {
    Entry entry;
    bool writing = false;
    bool changed = false;  // since it was written
  };

  static std::optional<Entry> Parse(const store::CatalogEntry& stored);
  std::optional<Entry> Load(const StreamName& stream) const;
  // Whether RunWrites has to be called; else one that runs sees to it. mutex_ held.
  bool MustWrite(Known& known);
  Task<void> RunWrites(StreamName stream);
  // What is to be written next; nullopt, and the writing is over, if nothing is.
  std::optional<Entry> TakeChange(const StreamName& stream);

  store::Catalog& catalog_;
  mutable std::mutex mutex_;
  std::map<StreamName, Known> notes_;
  bool stopped_ = false;
  size_t writing_ = 0;
  std::optional<Oneshot<Unit>> drained_;
};

}  // namespace penstock::ingest
