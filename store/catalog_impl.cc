#include "store/catalog_impl.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/random.h"
#include "store/hold.h"

namespace penstock::store {
namespace {

// Request ids remembered; a retry that comes after so many other transactions is taken for a new
// one.
constexpr size_t kRequestsKept = 1024;
constexpr size_t kKeyBytesMax = 1024;
constexpr size_t kRequestIdBytesMax = 256;
constexpr size_t kTxnEntriesMax = 1024;
// In front of ids made here for callers that gave none: they are not remembered.
constexpr char kAnonymous = '\x01';

Error Conflict(std::string_view key) {
  return Error(ErrorCode::kConflict, fmt::format("catalog: {} has changed", key));
}

Status CheckSizes(const std::vector<Expect>& expects, const std::vector<CatalogWrite>& writes,
                  std::string_view request_id) {
  if (request_id.size() > kRequestIdBytesMax ||
      (!request_id.empty() && request_id.front() == kAnonymous)) {
    return Error(ErrorCode::kInvalidArgument, "catalog: bad request id");
  }
  if (expects.size() > kTxnEntriesMax || writes.size() > kTxnEntriesMax) {
    return Error(ErrorCode::kTooLarge,
                 fmt::format("catalog: more than {} entries in one transaction", kTxnEntriesMax));
  }
  for (const CatalogWrite& write : writes) {
    if (write.key.empty() || write.key.size() > kKeyBytesMax)
      return Error(ErrorCode::kInvalidArgument, "catalog: bad key");
    if (write.value.has_value() && write.value->size() > limits::kCatalogValueBytesMax) {
      return Error(ErrorCode::kTooLarge,
                   fmt::format("catalog: {}: a value of {} bytes", write.key, write.value->size()));
    }
  }
  return {};
}

}  // namespace

std::optional<CatalogEntry> CatalogImpl::Get(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

std::vector<CatalogEntry> CatalogImpl::Scan(std::string_view prefix, std::string_view after,
                                            size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<CatalogEntry> out;
  auto at =
      after.empty() || after < prefix ? entries_.lower_bound(prefix) : entries_.upper_bound(after);
  for (; at != entries_.end() && out.size() < limit && at->first.starts_with(prefix); ++at)
    out.push_back(at->second);
  return out;
}

std::optional<std::string> CatalogImpl::FirstConflict(
    const std::vector<CatalogCommand::Expectation>& expects) const {
  for (const auto& expect : expects) {
    const auto found = entries_.find(expect.key);
    const uint64_t version = found == entries_.end() ? 0 : found->second.version;
    if (version != expect.version) return expect.key;
  }
  return std::nullopt;
}

Task<Status> CatalogImpl::Txn(std::vector<Expect> expects, std::vector<CatalogWrite> writes,
                              std::string request_id) {
  for (const CatalogWrite& write : writes) {
    if (write.key.starts_with(kStreamPrefix) || write.key.starts_with(kHoldPrefix)) {
      co_return Error(ErrorCode::kInvalidArgument,
                      fmt::format("catalog: {} belongs to the store", write.key));
    }
  }
  Status status = co_await Submit(std::move(expects), std::move(writes), std::move(request_id));
  co_return status;
}

Task<Status> CatalogImpl::Submit(std::vector<Expect> expects, std::vector<CatalogWrite> writes,
                                 std::string request_id) {
  const Status sizes = CheckSizes(expects, writes, request_id);
  if (!sizes.ok()) co_return sizes.error();
  CatalogCommand command;
  for (Expect& expect : expects) command.expects.push_back({std::move(expect.key), expect.version});
  for (CatalogWrite& write : writes) {
    const bool present = write.value.has_value();
    command.writes.push_back(
        {std::move(write.key), present, present ? std::move(*write.value) : Bytes()});
  }
  const bool anonymous = request_id.empty();
  if (anonymous) request_id = fmt::format("{}{:016x}", kAnonymous, RandomU64());
  command.request_id = request_id;
  {
    const std::lock_guard lock(mutex_);
    if (anonymous) {
      // Known to fail: not worth a place in the log.
      const auto conflict = FirstConflict(command.expects);
      if (conflict) co_return Conflict(*conflict);
    }
    ++waiting_[request_id].callers;
  }
  Oneshot<Status> done;
  Submission submission;
  PendingRecord record;
  record.record = MakeCatalogRecord(command);
  submission.records.push_back(std::move(record));
  submission.done = [this, request_id, done](Status status) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = waiting_.find(request_id);
      if (status.ok()) status = found->second.outcome.value();
      if (--found->second.callers == 0) waiting_.erase(found);
    }
    done.Set(std::move(status));
  };
  lane_->Submit(std::move(submission));
  Status status = co_await done;
  co_return status;
}

void CatalogImpl::Remember(const std::string& id, bool applied, IndexBatch& rows) {
  if (id.empty() || id.front() == kAnonymous) return;
  requests_[id] = RequestOutcome{id, counter_, applied};
  request_order_.push_back(id);
  rows.PutRequest(id, counter_, applied);
  if (request_order_.size() <= kRequestsKept) return;
  requests_.erase(request_order_.front());
  rows.EraseRequest(request_order_.front());
  request_order_.pop_front();
}

void CatalogImpl::Fold(const CatalogCommand& command, IndexBatch& rows, const Changed& changed) {
  std::vector<std::pair<const CatalogCommand::Change*, uint64_t>> applied;
  {
    const std::lock_guard lock(mutex_);
    Status outcome;
    const auto known = requests_.find(command.request_id);
    if (known != requests_.end()) {
      if (!known->second.applied)
        outcome = Error(ErrorCode::kConflict, "catalog: this request has failed before");
    } else if (const auto conflict = FirstConflict(command.expects)) {
      outcome = Conflict(*conflict);
      Remember(command.request_id, false, rows);
    } else {
      ++counter_;
      for (const auto& write : command.writes) {
        if (write.present) {
          CatalogEntry& entry = entries_[write.key];
          entry.key = write.key;
          entry.value = write.value;
          entry.version = counter_;
          rows.PutCatalogEntry(entry);
        } else {
          entries_.erase(write.key);
          rows.EraseCatalogEntry(write.key);
        }
        applied.emplace_back(&write, counter_);
      }
      rows.PutCounter(counter_);
      Remember(command.request_id, true, rows);
    }
    const auto waiting = waiting_.find(command.request_id);
    if (waiting != waiting_.end()) waiting->second.outcome = std::move(outcome);
  }
  for (const auto& [write, version] : applied) {
    changed(write->key, write->present ? std::optional<Bytes>(write->value) : std::nullopt,
            version);
  }
}

void CatalogImpl::Load(std::vector<CatalogEntry> entries, std::vector<RequestOutcome> requests,
                       uint64_t counter) {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  requests_.clear();
  request_order_.clear();
  counter_ = counter;
  for (CatalogEntry& entry : entries) {
    const std::string key = entry.key;
    entries_[key] = std::move(entry);
  }
  std::stable_sort(requests.begin(), requests.end(),
                   [](const auto& a, const auto& b) { return a.counter < b.counter; });
  for (RequestOutcome& request : requests) {
    request_order_.push_back(request.id);
    const std::string id = request.id;
    requests_[id] = std::move(request);
  }
}

Status CatalogImpl::LoadSnapshots(const std::vector<LaneLog>& logs) {
  std::vector<CatalogEntry> entries;
  std::vector<RequestOutcome> requests;
  uint64_t counter = 0;
  for (const LaneLog& log : logs) {
    if (!log.snapshot) continue;
    if (log.lane == 0) counter = log.snapshot->catalog_counter;
    for (const MetaRecord& record : log.snapshot->records) {
      if (record.kind == MetaKind::kSnapshotCatalog) {
        PS_TRY(CatalogEntryRecord entry, ParseSnapshotCatalog(record.payload));
        entries.push_back({std::move(entry.key), std::move(entry.value), entry.version});
      } else if (record.kind == MetaKind::kSnapshotRequest) {
        PS_TRY(RequestRecord request, ParseSnapshotRequest(record.payload));
        requests.push_back({std::move(request.id), request.counter, request.applied});
      }
    }
  }
  Load(std::move(entries), std::move(requests), counter);
  return {};
}

std::vector<MetaRecord> CatalogImpl::Snapshot(uint64_t& counter) const {
  const std::lock_guard lock(mutex_);
  counter = counter_;
  std::vector<MetaRecord> out;
  for (const auto& [key, entry] : entries_) {
    CatalogEntryRecord record;
    record.key = key;
    record.version = entry.version;
    record.value = entry.value;
    out.push_back(MakeSnapshotCatalog(record));
  }
  for (const std::string& id : request_order_) {
    const RequestOutcome& request = requests_.at(id);
    out.push_back(MakeSnapshotRequest({request.id, request.counter, request.applied}));
  }
  return out;
}

void CatalogImpl::PutAll(IndexBatch& rows) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : entries_) rows.PutCatalogEntry(entry);
  for (const auto& [id, request] : requests_) rows.PutRequest(id, request.counter, request.applied);
  rows.PutCounter(counter_);
}

}  // namespace penstock::store
