#include "tests/model/shard_model.h"

#include <algorithm>

#include <fmt/format.h>

namespace penstock::testing {
namespace {

// A clock that falls further behind than this starts a new clock run (docs: time).
constexpr std::chrono::seconds kClockTolerance{10};

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace

void ShardModel::Opened(const store::Slot& slot, ServerTime now, TestItem content) {
  Append(slot.number(), slot.ordinal(), slot.server_time(), now).content = content;
}

void ShardModel::Reserved(const store::ItemHeader& header, ServerTime now) {
  if (header.kind != store::ItemKind::kGap || header.gap_reason != store::GapReason::kRestart)
    Broken(fmt::format("ordinal {} appeared", header.ordinal));
  Item& item = Append(header.number, header.ordinal, header.server_time, now);
  item.state = State::kDropped;
  item.reason = store::GapReason::kRestart;
}

ShardModel::Item& ShardModel::Append(const FragmentNumber& number, uint64_t ordinal,
                                     ServerTime server_time, ServerTime now) {
  ServerTime expected = now;
  int clock_run = 0;
  if (!items_.empty()) {
    const Item& last = items_.back();
    const bool stepped_back = now < last.header.server_time - kClockTolerance;
    expected = stepped_back ? now : std::max(now, last.header.server_time);
    clock_run = last.clock_run + (stepped_back ? 1 : 0);
    if (number.index <= last.header.number.index) Broken("numbers do not increase");
  }
  if (ordinal != items_.size()) Broken(fmt::format("ordinal {} of {}", ordinal, items_.size()));
  if (server_time != expected) {
    Broken(
        fmt::format("ordinal {} has time {}, not {}", ordinal, ToMs(server_time), ToMs(expected)));
  }
  if (number.server_ms != ToMs(expected)) Broken("the number carries another time");
  Item& item = items_.emplace_back();
  item.header.number = number;
  item.header.ordinal = ordinal;
  item.header.server_time = server_time;
  item.clock_run = clock_run;
  return item;
}

void ShardModel::Stored(uint64_t ordinal, store::RunId asked_run, const store::ItemHeader& header) {
  Item& item = items_.at(ordinal);
  const bool starts_run = asked_run == 0;
  const store::RunId run = starts_run ? item.header.number.index : asked_run;
  if (starts_run) ++runs_;
  if (header.number != item.header.number || header.ordinal != ordinal)
    Broken("was stored as another");
  if (header.number.salt != item.header.number.salt) Broken("its number reads differently");
  if (header.server_time != item.header.server_time) Broken("its server time has changed");
  if (header.run != run)
    Broken(fmt::format("ordinal {} has run {:x}, not {:x}", ordinal, header.run, run));
  if (((header.flags & store::kFlagStartsRun) != 0) != starts_run)
    Broken("wrongly flagged as the start of a run");
  if (header.discontinuity_ordinal != runs_ - 1) {
    Broken(fmt::format("ordinal {} has discontinuity {}, not {}", ordinal,
                       header.discontinuity_ordinal, runs_ - 1));
  }
  if (const std::string why = item.content.Compare(header); !why.empty()) Broken(why);
  item.header = header;
  item.state = State::kStored;
  newest_run_ = run;
}

void ShardModel::Dropped(uint64_t ordinal, store::GapReason reason, store::RunId asked_run) {
  if (asked_run == 0 || runs_ == 0) {
    ++runs_;
    newest_run_ = items_.at(ordinal).header.number.index;
  }
  items_.at(ordinal).state = State::kDropped;
  items_.at(ordinal).reason = reason;
  // The gap covers the time that the item would have covered.
  items_.at(ordinal).header.duration = items_.at(ordinal).content.duration();
  items_.at(ordinal).header.producer_time = items_.at(ordinal).content.producer_time();
}

void ShardModel::Trimmed(uint64_t before) {
  low_water_ = std::max(low_water_, std::min(before, visible_end()));
}

int64_t ShardModel::EffectiveMs(const Item& item) const {
  // A clock that was set back shows that what came before is at least as old as what came after.
  int64_t ms = ToMs(item.header.server_time);
  for (const Item& other : items_) {
    if (other.clock_run > item.clock_run && other.state != State::kOpen)
      ms = std::min(ms, ToMs(other.header.server_time));
  }
  return ms;
}

void ShardModel::RetentionPassed(ServerTime now) {
  const int64_t keeps_ms = int64_t{retention_hours_} * 3'600'000;
  const uint64_t end = visible_end();
  while (low_water_ < end && EffectiveMs(items_[low_water_]) + keeps_ms <= ToMs(now)) ++low_water_;
}

uint64_t ShardModel::visible_end() const {
  for (const Item& item : items_) {
    if (item.state == State::kOpen) return item.header.ordinal;
  }
  return items_.size();
}

std::set<uint64_t> ShardModel::open_ordinals() const {
  std::set<uint64_t> open;
  for (const Item& item : items_) {
    if (item.state == State::kOpen) open.insert(item.header.ordinal);
  }
  return open;
}

std::set<uint64_t> ShardModel::StartsOf(const store::Selector& from) const {
  const uint64_t end = visible_end();
  const auto within = [&](uint64_t ordinal) { return std::set<uint64_t>{Visible(ordinal)}; };
  return std::visit(
      Overloaded{
          [&](store::FromOldest) { return within(0); },
          [&](store::FromLatest) { return within(end); },
          [&](store::FromOrdinal selector) { return within(selector.ordinal); },
          [&](store::AfterNumber selector) {
            uint64_t ordinal = 0;
            while (ordinal < end && items_[ordinal].header.number.index <= selector.index)
              ++ordinal;
            return within(ordinal);
          },
          [&](store::FromServerTime selector) { return StartsAt(selector.time); },
          [&](store::FromProducerTime selector) { return StartsAt(selector.time); },
      },
      from);
}

bool ShardModel::Contains(const Item& item, ServerTime time) const {
  // What has no duration still has its own millisecond.
  const auto duration =
      std::max<std::chrono::microseconds>(item.header.duration, std::chrono::milliseconds(1));
  return item.header.server_time <= time && time < item.header.server_time + duration;
}

bool ShardModel::Contains(const Item& item, ProducerTime time) const {
  return item.header.producer_time <= time &&
         time < item.header.producer_time + item.header.duration;
}

std::set<uint64_t> ShardModel::StartsAt(ServerTime time) const {
  std::set<uint64_t> starts;
  std::set<int> later;  // clock runs in which the first item after the time has been found
  for (const Item& item : items_) {
    const uint64_t ordinal = item.header.ordinal;
    if (item.header.server_time > time ? later.insert(item.clock_run).second
                                       : Contains(item, time)) {
      starts.insert(Visible(ordinal));
    }
  }
  // Only the last item before the time is asked whether it contains it, and hidden ones may be
  // forgotten: without a visible item after the time, nothing may be found.
  const bool any_later = std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
    return item.header.server_time > time && Visible(item.header.ordinal) == item.header.ordinal;
  });
  if (!any_later) starts.insert(visible_end());
  return starts;
}

std::set<uint64_t> ShardModel::StartsAt(ProducerTime time) const {
  std::set<uint64_t> starts;
  const Item* next = nullptr;
  for (const Item& item : items_) {
    if (item.state != State::kStored && item.state != State::kDropped) continue;
    if (Contains(item, time)) starts.insert(Visible(item.header.ordinal));
    if (IsHidden(item.header.ordinal) || item.header.producer_time <= time) continue;
    if (next == nullptr || item.header.producer_time < next->header.producer_time) next = &item;
  }
  starts.insert(next == nullptr ? visible_end() : Visible(next->header.ordinal));
  return starts;
}

uint64_t ShardModel::Visible(uint64_t ordinal) const {
  const uint64_t end = visible_end();
  while (ordinal < end && !IsVisible(ordinal)) ++ordinal;
  return std::min(ordinal, end);
}

bool ShardModel::IsHidden(uint64_t ordinal) const {
  return ordinal < low_water_ && std::none_of(holds_.begin(), holds_.end(), [&](const auto& held) {
           return Keeps(held.second, items_[ordinal]);
         });
}

bool ShardModel::Keeps(const Held& held, const Item& item) {
  // What has no duration still has its own millisecond.
  const auto lasts =
      std::max(std::chrono::duration_cast<std::chrono::milliseconds>(item.header.duration),
               std::chrono::milliseconds(1));
  return !held.gone.contains(item.header.ordinal) && item.header.server_time < held.end &&
         item.header.server_time + lasts > held.start;
}

ShardModel::Held ShardModel::Hold(ServerTime start, ServerTime end) const {
  Held held{start, end, {}};
  for (uint64_t ordinal = 0; ordinal < low_water_; ++ordinal) {
    if (!IsVisible(ordinal)) held.gone.insert(ordinal);
  }
  return held;
}

bool ShardModel::AnyVisible(const Held& held) const {
  return std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
    return IsVisible(item.header.ordinal) && Keeps(held, item);
  });
}

bool ShardModel::AnyBegins(const Held& held) const {
  return std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
    return IsVisible(item.header.ordinal) && Keeps(held, item) &&
           item.header.server_time >= held.start;
  });
}

void ShardModel::Compare(const store::ItemHeader& actual) {
  if (actual.ordinal >= visible_end()) {
    Broken(fmt::format("ordinal {} is shown, {} is open", actual.ordinal, visible_end()));
    return;
  }
  const Item& item = items_[actual.ordinal];
  const store::ItemHeader& expected = item.header;
  std::string why;
  if (actual.number != expected.number || actual.server_time != expected.server_time)
    why = "is another item";
  const bool still_there =
      (actual.flags & store::kFlagDropped) != 0 && actual.ordinal >= reopened_at_;
  switch (item.state) {
    case State::kStored:
      if (const std::string differs = item.content.Compare(actual); !differs.empty()) why = differs;
      if (actual.run != expected.run ||
          actual.discontinuity_ordinal != expected.discontinuity_ordinal)
        why = "run differs";
      if (actual.flags != expected.flags || actual.track_set != expected.track_set)
        why = "flags or tracks differ";
      break;
    case State::kAbandoned:
      if (actual.kind != store::ItemKind::kAbandoned) why = "should be abandoned";
      break;
    case State::kDropped:
      if (!still_there &&
          (actual.kind != store::ItemKind::kGap || actual.gap_reason != item.reason))
        why = "should be a gap";
      break;
    case State::kOpen:
      why = "is open";
      break;
  }
  if (!why.empty())
    Broken(fmt::format("ordinal {} (kind {}): {}", actual.ordinal, static_cast<int>(actual.kind),
                       why));
}

}  // namespace penstock::testing
