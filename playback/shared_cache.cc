#include "playback/shared_cache.h"

#include <utility>

#include <fmt/format.h>

namespace penstock::playback {

ResourceCache::ResourceCache(size_t bytes_max, const char* name)
    : bytes_max_(bytes_max),
      hits_(metrics::GetCounter("penstock_playback_cache_hits_total",
                                "Answers that were found made", fmt::format("cache=\"{}\"", name))),
      misses_(metrics::GetCounter("penstock_playback_cache_misses_total",
                                  "Answers that had to be made",
                                  fmt::format("cache=\"{}\"", name))),
      gauge_(metrics::GetGauge("penstock_playback_cache_bytes", "Memory that a cache keeps",
                               fmt::format("cache=\"{}\"", name))) {}

ResourceCache::~ResourceCache() { gauge_.Add(-static_cast<int64_t>(bytes_)); }

std::optional<Resource> ResourceCache::WithFiles(const Entry& entry) {
  Resource resource = entry.resource;
  auto file = entry.files.begin();
  for (BodyPart& part : resource.parts) {
    auto* const slice = std::get_if<FileSlice>(&part);
    if (slice == nullptr) continue;
    slice->file = (file++)->lock();
    if (slice->file == nullptr) return std::nullopt;
  }
  return resource;
}

std::optional<Resource> ResourceCache::Get(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  std::optional<Resource> resource;
  if (found != by_key_.end()) {
    resource = WithFiles(*found->second);
    if (!resource) Drop(found->second);
  }
  if (!resource) {
    misses_.Add();
    return std::nullopt;
  }
  hits_.Add();
  entries_.splice(entries_.begin(), entries_, found->second);
  return resource;
}

void ResourceCache::Put(const std::string& key, Resource resource, size_t cost) {
  if (cost > bytes_max_ / 4) return;
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) Drop(found->second);
  while (!entries_.empty() && bytes_ + cost > bytes_max_) Drop(std::prev(entries_.end()));
  Entry entry{.key = key, .resource = std::move(resource), .files = {}, .cost = cost};
  for (BodyPart& part : entry.resource.parts) {
    if (auto* const slice = std::get_if<FileSlice>(&part)) {
      entry.files.emplace_back(std::exchange(slice->file, nullptr));
    }
  }
  entries_.push_front(std::move(entry));
  by_key_[entries_.front().key] = entries_.begin();
  bytes_ += cost;
  gauge_.Add(static_cast<int64_t>(cost));
}

size_t ResourceCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void ResourceCache::Drop(std::list<Entry>::iterator entry) {
  bytes_ -= entry->cost;
  gauge_.Add(-static_cast<int64_t>(entry->cost));
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

std::optional<Oneshot<SingleFlight::Outcome>> SingleFlight::Join(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto [at, first] = waiting_.try_emplace(key);
  if (first) return std::nullopt;
  return at->second.emplace_back();
}

std::vector<Oneshot<SingleFlight::Outcome>> SingleFlight::Take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(key);
  CHECK(found != waiting_.end());
  std::vector<Oneshot<Outcome>> waiting = std::move(found->second);
  waiting_.erase(found);
  return waiting;
}

void SingleFlight::Leader::Finish(const Outcome& outcome) {
  CHECK(!finished_);
  finished_ = true;
  for (const Oneshot<Outcome>& waiter : flights_.Take(key_)) waiter.Set(outcome);
}

SingleFlight::Leader::~Leader() {
  if (!finished_) Finish(Error(ErrorCode::kCancelled, "whoever prepared this answer gave up"));
}

}  // namespace penstock::playback
