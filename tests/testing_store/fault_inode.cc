#include "tests/testing_store/fault_inode.h"

#include <algorithm>
#include <cstring>

namespace penstock::testing {
namespace {

// How much of what was not synced a power cut keeps. Everything and nothing are drawn often: they
// are what disks mostly do, and the places where a missing sync shows.
enum class Survival { kNothing, kEverything, kPrefix, kHalf, kMost, kFew };

Survival Draw(Prng& prng) {
  constexpr std::array kAll = {Survival::kNothing, Survival::kEverything, Survival::kPrefix,
                               Survival::kHalf,    Survival::kMost,       Survival::kFew};
  return kAll[prng.Below(kAll.size())];
}

bool Survives(Survival survival, size_t index, size_t prefix, Prng& prng) {
  switch (survival) {
    case Survival::kNothing:
      return false;
    case Survival::kEverything:
      return true;
    case Survival::kPrefix:
      return index < prefix;
    case Survival::kHalf:
      return prng.OneIn(2);
    case Survival::kMost:
      return !prng.OneIn(8);
    case Survival::kFew:
      return prng.OneIn(8);
  }
  return false;
}

}  // namespace

void FaultInode::Write(uint64_t offset, ByteSpan bytes) {
  if (bytes.empty()) return;
  const uint64_t end = offset + bytes.size();
  if (end > live_.size()) SetSize(end);
  std::memcpy(live_.data() + offset, bytes.data(), bytes.size());
  for (uint64_t at = offset / kSectorBytes * kSectorBytes; at < end; at += kSectorBytes) {
    Change& change = changes_.emplace_back();
    change.at = at;
    change.sector.fill(0);
    std::memcpy(change.sector.data(), live_.data() + at, std::min(kSectorBytes, live_.size() - at));
  }
}

void FaultInode::SetSize(uint64_t bytes) {
  if (bytes == live_.size()) return;
  live_.resize(bytes);
  Change& change = changes_.emplace_back();
  change.at = bytes;
  change.resize = true;
}

size_t FaultInode::Read(uint64_t offset, std::span<uint8_t> out) const {
  if (offset >= live_.size()) return 0;
  const size_t count = std::min<uint64_t>(out.size(), live_.size() - offset);
  std::memcpy(out.data(), live_.data() + offset, count);
  return count;
}

void FaultInode::Apply(const Change& change, std::vector<uint8_t>& raw, uint64_t& size) {
  if (change.resize) {
    // Sectors may have reached the medium beyond the end of the file; only cutting it makes them
    // zero.
    if (change.at < size) raw.resize(std::min<uint64_t>(raw.size(), change.at));
    size = change.at;
    return;
  }
  if (raw.size() < change.at + kSectorBytes) raw.resize(change.at + kSectorBytes);
  std::memcpy(raw.data() + change.at, change.sector.data(), kSectorBytes);
}

void FaultInode::SyncTo(size_t mark) {
  if (mark <= first_change_) return;  // another sync, or a failed one, came first
  const size_t count = std::min(mark - first_change_, changes_.size());
  uint64_t size = durable_.size();
  for (size_t i = 0; i < count; ++i) Apply(changes_[i], durable_, size);
  durable_.resize(size);
  changes_.erase(changes_.begin(), changes_.begin() + static_cast<ptrdiff_t>(count));
  first_change_ += count;
}

void FaultInode::DropUnsynced() {
  first_change_ += changes_.size();
  changes_.clear();
  // The size stays what the process saw: it lives in the inode, not in the pages.
  const uint64_t size = live_.size();
  live_ = durable_;
  SetSize(size);
}

void FaultInode::Flip(uint64_t offset, uint8_t mask) {
  CHECK(offset < live_.size());
  live_[offset] ^= mask;
  if (offset < durable_.size()) durable_[offset] ^= mask;
  for (Change& change : changes_) {
    if (!change.resize && change.at <= offset && offset < change.at + kSectorBytes)
      change.sector[offset - change.at] ^= mask;
  }
}

std::shared_ptr<FaultInode> FaultInode::AfterPowerCut(Prng& prng) const {
  const Survival survival = Draw(prng);
  const size_t prefix = prng.Below(changes_.size() + 1);
  const auto resizes = static_cast<size_t>(std::count_if(
      changes_.begin(), changes_.end(), [](const Change& change) { return change.resize; }));
  // Sizes are metadata: journalled, so a later one implies the earlier ones.
  const size_t sizes_kept = survival == Survival::kEverything ? resizes : prng.Below(resizes + 1);

  std::vector<uint8_t> raw = durable_;
  uint64_t size = durable_.size();
  size_t sizes_seen = 0;
  for (size_t i = 0; i < changes_.size(); ++i) {
    const bool kept =
        changes_[i].resize ? sizes_seen++ < sizes_kept : Survives(survival, i, prefix, prng);
    if (kept) Apply(changes_[i], raw, size);
  }
  raw.resize(size);
  auto left = std::make_shared<FaultInode>();
  left->durable_ = raw;
  left->live_ = std::move(raw);
  return left;
}

}  // namespace penstock::testing
