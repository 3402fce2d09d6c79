// A catalog in a map: the contract of store/catalog.h without durability.
#pragma once

#include <map>
#include <mutex>

#include "store/catalog.h"

namespace penstock::server {

class FakeCatalog final : public store::Catalog {
 public:
  std::optional<store::CatalogEntry> Get(std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(std::string(key));
    if (found == entries_.end()) return std::nullopt;
    return found->second;
  }

  std::vector<store::CatalogEntry> Scan(std::string_view prefix, std::string_view after,
                                        size_t limit) const override {
    const std::lock_guard lock(mutex_);
    std::vector<store::CatalogEntry> out;
    for (const auto& [key, entry] : entries_) {
      if (key.compare(0, prefix.size(), prefix) != 0 || key <= after) continue;
      if (out.size() == limit) break;
      out.push_back(entry);
    }
    return out;
  }

  Task<Status> Txn(std::vector<store::Expect> expects, std::vector<store::CatalogWrite> writes,
                   std::string) override {
    const std::lock_guard lock(mutex_);
    if (failing) co_return *failing;
    if (conflicts > 0 && !expects.empty()) {
      --conflicts;
      co_return Error(ErrorCode::kConflict, expects[0].key);
    }
    for (const store::Expect& expect : expects) {
      const auto found = entries_.find(expect.key);
      const uint64_t version = found == entries_.end() ? 0 : found->second.version;
      if (version != expect.version) co_return Error(ErrorCode::kConflict, expect.key);
    }
    for (store::CatalogWrite& write : writes) {
      if (!write.value) {
        entries_.erase(write.key);
        continue;
      }
      entries_[write.key] = store::CatalogEntry{write.key, *write.value, ++last_version_};
    }
    co_return Status();
  }

  // If set, transactions fail with it.
  std::optional<Error> failing;
  // So many transactions that expect something fail because others came first.
  int conflicts = 0;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, store::CatalogEntry> entries_;
  uint64_t last_version_ = 0;
};

}  // namespace penstock::server
