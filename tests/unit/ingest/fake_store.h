// Stand-ins for the store: a catalog in memory, a shard whose appends end when the test says so.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "store/store.h"

namespace penstock::ingest {

class FakeCatalog final : public store::Catalog {
 public:
  std::optional<store::CatalogEntry> Get(std::string_view key) const override {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return std::nullopt;
    return found->second;
  }
  std::vector<store::CatalogEntry> Scan(std::string_view prefix, std::string_view after,
                                        size_t limit) const override {
    std::vector<store::CatalogEntry> out;
    for (auto at = entries_.upper_bound(std::max(prefix, after)); at != entries_.end(); ++at) {
      if (!at->first.starts_with(prefix) || out.size() == limit) break;
      out.push_back(at->second);
    }
    return out;
  }
  Task<Status> Txn(std::vector<store::Expect> expects, std::vector<store::CatalogWrite> writes,
                   std::string) override {
    for (const store::Expect& expect : expects) {
      const auto found = entries_.find(expect.key);
      const uint64_t version = found == entries_.end() ? 0 : found->second.version;
      if (version != expect.version) co_return Error(ErrorCode::kConflict, expect.key);
    }
    for (store::CatalogWrite& write : writes) {
      entries_.erase(write.key);
      if (!write.value) continue;
      store::CatalogEntry entry;
      entry.key = write.key;
      entry.value = *write.value;
      entry.version = ++version_;
      entries_.emplace(write.key, entry);
    }
    co_return Status();
  }

 private:
  std::map<std::string, store::CatalogEntry, std::less<>> entries_;
  uint64_t version_ = 0;
};

}  // namespace penstock::ingest
