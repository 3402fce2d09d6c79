#include "tests/crash/shard_witness.h"

#include <fmt/format.h>

namespace penstock::testing {
namespace {

bool IsBytes(const store::ItemHeader& header) {
  return header.kind == store::ItemKind::kFragment || header.kind == store::ItemKind::kRecord;
}

// Small, so that every listing is continued a few times.
constexpr size_t kPage = 7;

}  // namespace

bool SameHeader(const store::ItemHeader& a, const store::ItemHeader& b) {
  return a.number == b.number && a.number.server_ms == b.number.server_ms &&
         a.number.salt == b.number.salt && a.ordinal == b.ordinal &&
         a.discontinuity_ordinal == b.discontinuity_ordinal && a.run == b.run &&
         a.server_time == b.server_time && a.producer_time == b.producer_time &&
         a.duration == b.duration && a.kind == b.kind && a.gap_reason == b.gap_reason &&
         a.flags == b.flags && a.track_set == b.track_set && a.body_bytes == b.body_bytes &&
         a.meta_bytes == b.meta_bytes;
}

std::string Describe(const store::ItemHeader& h) {
  return fmt::format(
      "{{index {:x} ordinal {} disc {} run {:x} server {} kind {} reason {} flags {:x} tracks {:x} "
      "body {} meta {}}}",
      h.number.index, h.ordinal, h.discontinuity_ordinal, h.run, ToMs(h.server_time),
      static_cast<int>(h.kind), static_cast<int>(h.gap_reason), h.flags, h.track_set, h.body_bytes,
      h.meta_bytes);
}

void ShardWitness::Began(const store::Slot& slot, TestItem item) {
  const uint64_t index = slot.number().index;
  if (index <= highest_index_)
    Broken(fmt::format("number {:x} was made after {:x}", index, highest_index_));
  if (slot.ordinal() < ordinals_end_) {
    Broken(fmt::format("ordinal {} was made when the next was {}", slot.ordinal(), ordinals_end_));
  }
  highest_index_ = std::max(highest_index_, index);
  ordinals_end_ = slot.ordinal() + 1;
  given_[index] = Given{.item = item, .ordinal = slot.ordinal(), .server_time = slot.server_time()};
}

void ShardWitness::Acked(uint64_t index, const store::ItemHeader& header) {
  Given& given = given_.at(index);
  if (header.number.index != index)
    Broken(fmt::format("{:x} was acknowledged as {}", index, Describe(header)));
  if (const std::string why = given.item.Compare(header); !why.empty()) {
    Broken(fmt::format("acknowledged {}: {}", Describe(header), why));
  }
  Promise(given, header);
}

void ShardWitness::AckedAsGap(uint64_t index, store::GapReason reason) {
  Given& given = given_.at(index);
  store::ItemHeader header;
  header.number.index = index;
  header.ordinal = given.ordinal;
  header.kind = store::ItemKind::kGap;
  header.gap_reason = reason;
  header.server_time = given.server_time;
  given.state = State::kSure;
  given.header = header;
}

void ShardWitness::Seen(const store::ItemHeader& header) {
  if ((header.flags & store::kFlagDropped) != 0)
    return;  // known to the live window only, and it says so
  const auto found = given_.find(header.number.index);
  if (found != given_.end() && IsBytes(header)) {
    Promise(found->second, header);
  } else {
    others_.try_emplace(header.ordinal, header);
  }
}

void ShardWitness::Promise(Given& given, const store::ItemHeader& header) {
  if (given.state == State::kLost) Broken(fmt::format("came back: {}", Describe(header)));
  if (given.ordinal != header.ordinal)
    Broken(fmt::format("was ordinal {}: {}", given.ordinal, Describe(header)));
  if (given.header && !SameHeader(*given.header, header)) {
    Broken(fmt::format("was {} and is {}", Describe(*given.header), Describe(header)));
  }
  given.state = State::kSure;
  given.header = header;
}

Task<void> ShardWitness::Verify(std::shared_ptr<store::Shard> shard) {
  previous_.reset();
  track_sets_.clear();
  for (auto& [index, given] : given_) given.found = false;

  store::Selector from = store::FromOldest();
  while (true) {
    Result<std::vector<store::ItemRef>> page = co_await shard->Find(from, kPage);
    if (!page.ok()) {
      Broken("cannot list: " + page.error().ToString());
      co_return;
    }
    if (page->empty()) break;
    for (const store::ItemRef& ref : *page) {
      CheckOrder(ref.header);
      co_await CheckItem(shard, ref);
    }
    from = store::AfterNumber{previous_->number.index};
  }
  CheckMissing();
  const store::ShardStatus status = shard->GetStatus();
  if (previous_ && status.next_ordinal != previous_->ordinal + 1) {
    Broken(fmt::format("next ordinal is {} after {}", status.next_ordinal, Describe(*previous_)));
  }
  ordinals_end_ = status.next_ordinal;
}

void ShardWitness::CheckOrder(const store::ItemHeader& header) {
  ++checked_;
  if (header.ordinal < hidden_below_)
    Broken(fmt::format("trimmed up to {}: {}", hidden_below_, Describe(header)));
  if (header.flags & store::kFlagDropped) Broken("is dropped, and yet there: " + Describe(header));
  if (previous_ && header.ordinal != previous_->ordinal + 1) {
    Broken(fmt::format("{} follows {}", Describe(header), Describe(*previous_)));
  }
  if (previous_ && header.number.index <= previous_->number.index) {
    Broken(fmt::format("{} follows {}", Describe(header), Describe(*previous_)));
  }
  previous_ = header;
}

Task<void> ShardWitness::CheckItem(std::shared_ptr<store::Shard> shard, store::ItemRef ref) {
  const auto found = given_.find(ref.header.number.index);
  if (found == given_.end() || !IsBytes(ref.header)) {
    CheckUnknown(ref.header);
    co_return;
  }
  Given& given = found->second;
  given.found = true;
  Promise(given, ref.header);
  if (const std::string why = given.item.Compare(ref.header); !why.empty()) {
    Broken(fmt::format("{}: {}", Describe(ref.header), why));
  }
  co_await CheckBytes(shard, ref, given.item);
}

Task<void> ShardWitness::CheckBytes(std::shared_ptr<store::Shard> shard, store::ItemRef ref,
                                    TestItem item) {
  const store::BodyForm form =
      item.seed % 3 == 0 ? store::BodyForm::kFileSlice : store::BodyForm::kMemory;
  Result<store::ItemBytes> bytes = co_await shard->Open(ref, form);
  if (!bytes.ok()) {
    if (bytes.error().code() == ErrorCode::kTrimmed && MayBeHidden(ref.header)) co_return;
    Broken(fmt::format("cannot open {}: {}", Describe(ref.header), bytes.error().ToString()));
    co_return;
  }
  const Bytes body = ReadWhole(*bytes);
  if (const std::string why = item.Compare(bytes->meta, body); !why.empty()) {
    Broken(fmt::format("{}: {}", Describe(ref.header), why));
  }
  if (ref.header.track_set != 0) co_await CheckTrackSet(shard, ref.header.track_set, item);
}

Task<void> ShardWitness::CheckTrackSet(std::shared_ptr<store::Shard> shard, store::TrackSetId id,
                                       TestItem item) {
  if (!track_sets_.contains(id)) {
    Result<store::TrackSet> got = co_await shard->GetTrackSet(id);
    if (!got.ok()) {
      Broken(fmt::format("track set {:x}: {}", id, got.error().ToString()));
      co_return;
    }
    track_sets_.emplace(id, std::move(*got));
  }
  const store::TrackSet& set = track_sets_.at(id);
  if (set.id != id || set.body.text() != item.track_set().text() ||
      set.meta.text() != item.track_set_meta().text()) {
    Broken(fmt::format("track set {:x} is another one", id));
  }
}

void ShardWitness::CheckUnknown(const store::ItemHeader& header) {
  if (IsBytes(header)) Broken("nobody stored " + Describe(header));
  const auto given = given_.find(header.number.index);
  if (given != given_.end()) {
    given->second.found = true;
    const auto& promised = given->second.header;
    const bool kept =
        !promised || (promised->kind == header.kind && promised->gap_reason == header.gap_reason);
    if (!kept) Broken(fmt::format("promised {}, kept {}", Describe(*promised), Describe(header)));
    // A slot has one end: having become a gap it never becomes an item.
    given->second.state = State::kSure;
    given->second.header = header;
  }
  const auto [before, is_new] = others_.try_emplace(header.ordinal, header);
  if (!is_new && !SameHeader(before->second, header)) {
    Broken(fmt::format("was {} and is {}", Describe(before->second), Describe(header)));
  }
}

void ShardWitness::CheckMissing() {
  for (auto& [index, given] : given_) {
    if (given.found) continue;
    if (given.state == State::kMaybe) given.state = State::kLost;
    if (given.state == State::kSure && !MayBeHidden(*given.header))
      Broken("lost " + Describe(*given.header));
  }
}

bool ShardWitness::MayBeHidden(const store::ItemHeader& header) const {
  return header.ordinal < may_hide_below_ || header.server_time + retention_ <= now_;
}

}  // namespace penstock::testing
