// Remembers what a shard was given and what it promised, across crashes, and tells when it breaks a
// promise.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"
#include "tests/testing_store/test_item.h"

namespace penstock::testing {

// One thread at a time. Requires a clock that does not step backwards.
//
// What it holds the store to, after every recovery:
//  - acknowledged, or once seen by a reader => there, with the same header and bytes, unless it was
//  trimmed or has expired;
//  - not acknowledged => wholly there or not at all, and what was not there once never comes back;
//  - ordinals are dense, numbers strictly increase and are never made twice, not even those that
//  nobody acknowledged;
//  - trimmed => hidden for good; neither trimmed nor expired => not hidden.
class ShardWitness {
 public:
  explicit ShardWitness(std::chrono::hours retention) : retention_(retention) {}

  // A store was opened, and its next ordinal is this one: those that were given out beyond it are
  // forgotten.
  void Recovered(uint64_t next_ordinal) { ordinals_end_ = next_ordinal; }
  // A slot was opened and will be used for this item.
  void Began(const store::Slot& slot, TestItem item);
  void Acked(uint64_t index, const store::ItemHeader& header);
  // The slot ended in a durable gap of this reason.
  void AckedAsGap(uint64_t index, store::GapReason reason);
  // A reader was given it: it is as good as acknowledged.
  void Seen(const store::ItemHeader& header);
  void TrimBegan(uint64_t before_ordinal) {
    may_hide_below_ = std::max(may_hide_below_, before_ordinal);
  }
  void TrimAcked(uint64_t before_ordinal) {
    hidden_below_ = std::max(hidden_below_, before_ordinal);
  }
  // What has expired by now may be hidden from now on.
  void ClockIs(ServerTime now) { now_ = now; }

  // Reads the shard to its end and compares. What it finds is expected of all later recoveries.
  Task<void> Verify(std::shared_ptr<store::Shard> shard);
  // A line for each promise that was broken so far.
  const std::vector<std::string>& broken() const { return broken_; }

  uint64_t ordinals_end() const { return ordinals_end_; }
  uint64_t checked() const { return checked_; }

 private:
  enum class State {
    kMaybe,  // nobody was told anything yet
    kSure,   // acknowledged or seen, as an item or as a gap
    kLost,   // a recovery did without it
  };
  struct Given {
    TestItem item;
    uint64_t ordinal = 0;
    ServerTime server_time;
    State state = State::kMaybe;
    std::optional<store::ItemHeader> header;  // since it is sure
    bool found = false;                       // by the Verify under way
  };

  void Promise(Given& given, const store::ItemHeader& header);
  void CheckOrder(const store::ItemHeader& header);
  Task<void> CheckItem(std::shared_ptr<store::Shard> shard, store::ItemRef ref);
  Task<void> CheckBytes(std::shared_ptr<store::Shard> shard, store::ItemRef ref, TestItem item);
  Task<void> CheckTrackSet(std::shared_ptr<store::Shard> shard, store::TrackSetId id,
                           TestItem item);
  void CheckUnknown(const store::ItemHeader& header);
  void CheckMissing();
  bool MayBeHidden(const store::ItemHeader& header) const;
  void Broken(std::string what) { broken_.push_back(std::move(what)); }

  const std::chrono::hours retention_;
  std::map<uint64_t, Given> given_;  // by the number's index
  std::map<uint64_t, store::ItemHeader>
      others_;  // by ordinal: what stands where no item of ours ever will
  uint64_t highest_index_ = 0;
  uint64_t ordinals_end_ = 0;
  uint64_t hidden_below_ = 0;    // acknowledged
  uint64_t may_hide_below_ = 0;  // asked for
  ServerTime now_;
  std::vector<std::string> broken_;
  uint64_t checked_ = 0;
  // Of the Verify under way.
  std::optional<store::ItemHeader> previous_;
  std::map<store::TrackSetId, store::TrackSet> track_sets_;
};

// Every field of the two; for headers that must not change once they were given out.
bool SameHeader(const store::ItemHeader& a, const store::ItemHeader& b);
std::string Describe(const store::ItemHeader& header);

}  // namespace penstock::testing
