// The catalog: entries in RAM, folded from commands in lane 0 (docs/format.md §3.3).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>

#include "store/catalog.h"
#include "store/index/index.h"
#include "store/log/lane.h"
#include "store/log/lane_scan.h"
#include "store/log/meta_records.h"

namespace penstock::store {

class CatalogImpl final : public Catalog {
 public:
  // Keys under it belong to the store: they may be read, not written, by others.
  static constexpr std::string_view kStreamPrefix = "stream/";

  std::optional<CatalogEntry> Get(std::string_view key) const override;
  std::vector<CatalogEntry> Scan(std::string_view prefix, std::string_view after,
                                 size_t limit) const override;
  Task<Status> Txn(std::vector<Expect> expects, std::vector<CatalogWrite> writes,
                   std::string request_id) override;

  // Txn for the store's own keys as well.
  Task<Status> Submit(std::vector<Expect> expects, std::vector<CatalogWrite> writes,
                      std::string request_id);

  void SetLane(Lane* lane) { lane_ = lane; }

  // The fold's side. `changed` is called for each write of a command that applies, after it.
  using Changed = std::function<void(const std::string& key, const std::optional<Bytes>& value,
                                     uint64_t version)>;
  void Fold(const CatalogCommand& command, IndexBatch& rows, const Changed& changed);
  void Load(std::vector<CatalogEntry> entries, std::vector<RequestOutcome> requests,
            uint64_t counter);
  // What the lanes' snapshots hold of it.
  Status LoadSnapshots(const std::vector<LaneLog>& logs);
  // Everything, as snapshot records.
  std::vector<MetaRecord> Snapshot(uint64_t& counter) const;
  void PutAll(IndexBatch& rows) const;

 private:
  struct Waiting {
    int callers = 0;
    std::optional<Status> outcome;
  };
  std::optional<std::string> FirstConflict(
      const std::vector<CatalogCommand::Expectation>& expects) const;    // mutex_ held
  void Remember(const std::string& id, bool applied, IndexBatch& rows);  // mutex_ held

  Lane* lane_ = nullptr;  // set before the first Txn

  mutable std::mutex mutex_;  // all below
  std::map<std::string, CatalogEntry, std::less<>> entries_;
  uint64_t counter_ = 0;
  std::map<std::string, RequestOutcome, std::less<>> requests_;
  std::deque<std::string> request_order_;  // oldest first
  std::map<std::string, Waiting> waiting_;
};

}  // namespace penstock::store
