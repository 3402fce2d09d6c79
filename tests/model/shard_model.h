// What a shard should do, done naively: every item that ever was, in one list in memory.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "store/shard.h"
#include "tests/testing_store/test_item.h"

namespace penstock::testing {

class ShardModel {
 public:
  enum class State {
    kOpen,       // a slot
    kStored,     // an item
    kAbandoned,  // a slot that ended without one
    kDropped,    // remembered while the window lasts, then a gap
  };
  struct Item {
    store::ItemHeader header;  // of what was not stored: number, ordinal and server time only
    TestItem content;
    State state = State::kOpen;
    store::GapReason reason = store::GapReason::kNone;
    int clock_run = 0;
  };

  explicit ShardModel(uint32_t retention_hours) : retention_hours_(retention_hours) {}

  // Takes over what the store answered to a change, after noting what is wrong with it.
  void Opened(const store::Slot& slot, ServerTime now, TestItem content);
  // A gap where a slow log had reserved ordinals when the store was closed.
  void Reserved(const store::ItemHeader& header, ServerTime now);
  // asked_run: 0, or the newest run.
  void Stored(uint64_t ordinal, store::RunId asked_run, const store::ItemHeader& header);
  void Abandoned(uint64_t ordinal) { items_.at(ordinal).state = State::kAbandoned; }
  void Dropped(uint64_t ordinal, store::GapReason reason, store::RunId asked_run);
  void Trimmed(uint64_t before);
  // What a hold of this time would keep, were it made now: not what has gone already.
  struct Held {
    ServerTime start;
    ServerTime end;
    std::set<uint64_t> gone;
  };
  Held Hold(ServerTime start, ServerTime end) const;
  void Made(const std::string& id, Held held) { holds_.emplace(id, std::move(held)); }
  void Released(const std::string& id) { holds_.erase(id); }
  bool AnyVisible(const Held& held) const;  // of what it keeps
  bool AnyBegins(const Held& held) const;   // of that, within its time
  void SetRetention(uint32_t hours) { retention_hours_ = hours; }
  // Everything the clock shows to be too old is hidden from now on, even if the clock is set back.
  void RetentionPassed(ServerTime now);
  void Reopened() { reopened_at_ = items_.size(); }

  // Where a listing from there may start. Exactly one place, but for times: of several items that
  // contain a time any will do, and without one the next of any clock run. visible_end(): an empty
  // listing.
  std::set<uint64_t> StartsOf(const store::Selector& from) const;
  uint64_t oldest_ordinal() const { return low_water_; }
  bool IsHidden(uint64_t ordinal) const;  // before the oldest, and not held
  bool IsVisible(uint64_t ordinal) const { return ordinal < visible_end() && !IsHidden(ordinal); }
  // The first one at or after this that may be seen, or the end.
  uint64_t Visible(uint64_t ordinal) const;
  // One past the newest item that may be seen: the lowest open slot, or all.
  uint64_t visible_end() const;
  uint64_t size() const { return items_.size(); }
  const Item& at(uint64_t ordinal) const { return items_.at(ordinal); }
  store::RunId newest_run() const { return newest_run_; }
  std::set<uint64_t> open_ordinals() const;

  // Notes what is wrong with a listed header.
  void Compare(const store::ItemHeader& actual);
  void Broken(std::string what) { broken_.push_back(std::move(what)); }
  const std::vector<std::string>& broken() const { return broken_; }

 private:
  Item& Append(const FragmentNumber& number, uint64_t ordinal, ServerTime server_time,
               ServerTime now);
  int64_t EffectiveMs(const Item& item) const;
  bool Contains(const Item& item, ServerTime time) const;
  bool Contains(const Item& item, ProducerTime time) const;
  static bool Keeps(const Held& held, const Item& item);
  std::set<uint64_t> StartsAt(ServerTime time) const;
  std::set<uint64_t> StartsAt(ProducerTime time) const;

  uint32_t retention_hours_;
  std::vector<Item> items_;  // by ordinal
  uint64_t low_water_ = 0;   // what is before it is hidden, but for what is held
  std::map<std::string, Held> holds_;
  uint64_t runs_ = 0;
  store::RunId newest_run_ = 0;
  uint64_t reopened_at_ = 0;  // below it no window remembers anything
  std::vector<std::string> broken_;
};

}  // namespace penstock::testing
