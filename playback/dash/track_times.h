// What a fragment's tracks take of the time line, each in its own ticks: a manifest says it of
// every segment, and the index does not know it. Comes from frame tables, which do not change, and
// is kept.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/task.h"
#include "fragmenter/media.h"
#include "playback/mp4/track_spans.h"
#include "store/shard.h"

namespace penstock::playback {

// A fragment with its tracks as they are served. One span at least, in the order of the tracks; a
// track that has nothing in this fragment has none.
struct TimedFragment {
  store::ItemHeader header;
  std::shared_ptr<const fragmenter::TrackSet> tracks;
  std::vector<TrackSpan> spans;
};

// From SpansOf what is served: G.711 goes over into AAC, whose units have times of their own, and
// silence takes the place of sound that is not there. `before`: of the fragment that plays before
// it in its run, if it is there.
std::vector<TrackSpan> ServedSpans(const fragmenter::TrackSet& stored,
                                   const std::vector<TrackSpan>* before,
                                   const std::vector<TrackSpan>& fragment);

// Thread-safe. Remembers the newest that were asked for: a list that is loaded again asks the disk
// for what is new in it alone.
class TrackTimes {
 public:
  explicit TrackTimes(size_t fragments_max) : fragments_max_(fragments_max) {}

  // Those of the items (in order) that can be played; what cannot be read, or has no media, is left
  // out. An error only if nothing remains, and then the last one.
  Task<Result<std::vector<TimedFragment>>> Load(std::shared_ptr<store::Shard> shard,
                                                std::vector<store::ItemHeader> items);

 private:
  using Spans = std::shared_ptr<const std::vector<TrackSpan>>;
  using Key = std::pair<ShardId, uint64_t>;
  struct Tracks {
    fragmenter::TrackSet stored;
    std::shared_ptr<const fragmenter::TrackSet> served;
    bool transcoded = false;
  };
  using TrackSets = std::map<store::TrackSetId, Tracks>;

  // References are to what Load has, which waits.
  Task<Result<TimedFragment>> LoadOne(std::shared_ptr<store::Shard> shard, store::ItemHeader item,
                                      std::optional<store::ItemHeader> before_it, TrackSets& sets);
  Task<Result<Spans>> Stored(std::shared_ptr<store::Shard> shard, store::ItemHeader item,
                             const fragmenter::TrackSet& tracks);
  Spans Remembered(const Key& key) const;
  void Remember(const Key& key, Spans spans);

  const size_t fragments_max_;
  mutable std::mutex mutex_;
  std::map<Key, Spans> known_;
  std::deque<Key> oldest_first_;
};

}  // namespace penstock::playback
