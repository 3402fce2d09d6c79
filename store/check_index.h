// `store check`: whether the index is what the log folds to. Changes nothing.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "store/index/index.h"
#include "store/log/lane_scan.h"

namespace penstock::store {

// What is newer than the index is left out: the next opening folds it. One thread; `index` and
// `logs` outlive it.
class IndexCheck {
 public:
  // Which rows differ, in words, for one stream or the catalog.
  using Find = std::function<void(std::string what)>;

  IndexCheck(const Index& index, const std::vector<LaneLog>& logs);

  Status CompareCatalog(const Find& find) const;
  // Each item of the log whose shard is there and which no low-water mark hides. `held`: only a
  // hold keeps it; states do not count it.
  void See(uint32_t lane, Lsn lsn, const StoredItem& item, bool held);
  // After all of them. `low_water`: the newest.
  Status CompareShard(const ShardId& shard, uint32_t lane, uint64_t low_water, const Find& find);

 private:
  // One place of an item. A cleaner may have copied it and not yet removed it elsewhere.
  struct Place {
    uint64_t ordinal = 0;
    uint32_t body_bytes = 0;
    bool held = false;
    bool known = false;  // the index has it
  };
  struct Seen {
    std::vector<Place> places;
    std::map<TrackSetId, bool> track_sets;  // whether the index knows a copy that is there
  };
  struct Sum {
    uint64_t items = 0;
    uint64_t body_bytes = 0;
    uint64_t end = 0;
    uint64_t differ = 0;  // their rows are missing or other ones
    uint64_t first = 0;   // ordinal of such a one
  };
  static Sum Summarise(std::vector<Place>& places);
  void SeeLater(uint32_t lane, const StoredItem& item, bool held);
  bool HasSegment(uint32_t lane, SegmentSeq sequence) const {
    return segments_.contains({lane, sequence});
  }
  bool IsFolded(uint32_t lane) const { return applied_.at(lane) == ends_.at(lane); }

  const Index& index_;
  const std::vector<LaneLog>& logs_;
  std::map<uint32_t, Lsn> applied_;  // by lane
  std::map<uint32_t, Lsn> ends_;
  std::set<std::pair<uint32_t, SegmentSeq>> segments_;
  std::map<ShardId, Seen> seen_;
  std::map<ShardId, ShardState> states_;
};

}  // namespace penstock::store
