#include "store/index/index.h"

#include <array>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "base/log.h"
#include "store/index/entry.h"
#include "store/index/keys.h"

namespace penstock::store {
namespace {

enum Family : size_t {
  kDefault,
  kItems,
  kTimes,
  kProducer,
  kTrackSets,
  kShards,
  kCatalog,
  kFamilies
};
constexpr std::array<const char*, kFamilies> kFamilyNames = {
    "default", "items", "times", "producer", "track_sets", "shards", "catalog"};
constexpr std::string_view kRequestPrefix = "request/";

using Handles = std::vector<rocksdb::ColumnFamilyHandle*>;

ByteSpan FromSlice(const rocksdb::Slice& slice) { return AsBytes(slice.ToStringView()); }

Status ToStatus(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return {};
  ErrorCode code = ErrorCode::kIo;
  if (status.IsNotFound()) code = ErrorCode::kNotFound;
  if (status.IsCorruption()) code = ErrorCode::kCorruption;
  if (status.IsNoSpace()) code = ErrorCode::kFull;
  return Error(code, std::string("index: ") + std::string(what) + ": " + status.ToString());
}

std::string AppliedKey(uint32_t lane) {
  ByteWriter out;
  out.Text("applied/");
  out.Be(lane);
  return TakeText(out);
}

std::string VarintText(uint64_t value) {
  ByteWriter out;
  out.Varint(value);
  return TakeText(out);
}

rocksdb::Options MakeOptions() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  // All families at one point of the log, which is the only thing that makes the index usable after
  // a crash.
  options.atomic_flush = true;
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.write_buffer_size = 16u << 20;
  options.db_write_buffer_size = 48u << 20;
  options.stats_dump_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.keep_log_file_num = 2;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.compression = rocksdb::kLZ4Compression;
  options.manual_wal_flush = true;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(32u << 20);
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

struct Index::Impl {
  std::unique_ptr<rocksdb::DB> db;
  Handles handles;

  ~Impl() {
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      if (handle != nullptr) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
    if (db) db->Close().PermitUncheckedError();
  }

  std::unique_ptr<rocksdb::Iterator> Iterate(Family family) const {
    return std::unique_ptr<rocksdb::Iterator>(
        db->NewIterator(rocksdb::ReadOptions(), handles[family]));
  }
  Result<std::string> Get(Family family, std::string_view key) const {
    std::string value;
    PS_TRY_VOID(ToStatus(db->Get(rocksdb::ReadOptions(), handles[family], key, &value),
                         kFamilyNames[family]));
    return value;
  }
};

// The rows are collected by family number: a batch is filled before anyone asks which database it
// goes to.
struct IndexBatch::Impl {
  struct Operation {
    enum class Kind { kPut, kErase, kEraseRange } kind;
    Family family;
    std::string key;
    std::string value;  // kEraseRange: the end
  };
  std::vector<Operation> operations;

  void Put(Family family, std::string key, std::string value) {
    operations.push_back({Operation::Kind::kPut, family, std::move(key), std::move(value)});
  }
  void Erase(Family family, std::string key) {
    operations.push_back({Operation::Kind::kErase, family, std::move(key), {}});
  }
  void EraseRange(Family family, std::string begin, std::string end) {
    operations.push_back({Operation::Kind::kEraseRange, family, std::move(begin), std::move(end)});
  }
};

IndexBatch::IndexBatch() : impl_(std::make_unique<Impl>()) {}
IndexBatch::~IndexBatch() = default;
IndexBatch::IndexBatch(IndexBatch&&) noexcept = default;
IndexBatch& IndexBatch::operator=(IndexBatch&&) noexcept = default;

void IndexBatch::PutItem(const StoredItem& item) {
  const ItemHeader& header = item.record.header;
  const uint64_t index = header.number.index;
  impl_->Put(kItems, OrdinalKey(item.record.shard, header.ordinal), EncodeStoredItem(item));
  impl_->Put(kTimes,
             TimeKey(item.record.shard, item.record.clock_run, header.number.server_ms, index), {});
  impl_->Put(kProducer, ProducerKey(item.record.shard, ToUs(header.producer_time), index), {});
}
void IndexBatch::PutTrackSet(const StoredItem& item) {
  impl_->Put(kTrackSets, OrdinalKey(item.record.shard, item.record.header.number.index),
             EncodeStoredItem(item));
}
void IndexBatch::EraseTrackSet(const ShardId& shard, TrackSetId id) {
  impl_->Erase(kTrackSets, OrdinalKey(shard, id));
}
void IndexBatch::EraseItemsBefore(const ShardId& shard, uint64_t ordinal) {
  impl_->EraseRange(kItems, OrdinalKey(shard, 0), OrdinalKey(shard, ordinal));
}
void IndexBatch::EraseTimes(const ItemRecord& item) {
  const ItemHeader& header = item.header;
  impl_->Erase(kTimes,
               TimeKey(item.shard, item.clock_run, header.number.server_ms, header.number.index));
  impl_->Erase(kProducer, ProducerKey(item.shard, ToUs(header.producer_time), header.number.index));
}
void IndexBatch::PutShard(const ShardState& state) {
  impl_->Put(kShards, ShardKey(state.shard), std::string(EncodeShardState(state, true).text()));
}
void IndexBatch::EraseShard(const ShardId& shard) {
  const std::string begin = ShardKey(shard);
  const std::string end = PrefixEnd(begin);
  for (const Family family : {kItems, kTimes, kProducer, kTrackSets})
    impl_->EraseRange(family, begin, end);
  impl_->Erase(kShards, begin);
}
void IndexBatch::PutCatalogEntry(const CatalogEntry& entry) {
  ByteWriter out;
  out.Varint(entry.version);
  out.Raw(entry.value);
  impl_->Put(kCatalog, entry.key, TakeText(out));
}
void IndexBatch::EraseCatalogEntry(std::string_view key) {
  impl_->Erase(kCatalog, std::string(key));
}
void IndexBatch::PutCounter(uint64_t counter) {
  impl_->Put(kDefault, "catalog_counter", VarintText(counter));
}
void IndexBatch::PutRequest(std::string_view id, uint64_t counter, bool applied) {
  impl_->Put(kDefault, std::string(kRequestPrefix) + std::string(id),
             VarintText(counter << 1 | (applied ? 1 : 0)));
}
void IndexBatch::EraseRequest(std::string_view id) {
  impl_->Erase(kDefault, std::string(kRequestPrefix) + std::string(id));
}
void IndexBatch::PutApplied(uint32_t lane, Lsn lsn) {
  impl_->Put(kDefault, AppliedKey(lane), VarintText(lsn));
}
void IndexBatch::PutIncomplete(bool incomplete) {
  impl_->Put(kDefault, "incomplete", incomplete ? "1" : "0");
}
size_t IndexBatch::rows() const { return impl_->operations.size(); }

Index::Index(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Index::~Index() = default;

Result<std::unique_ptr<Index>> Index::Open(const std::filesystem::path& directory,
                                           const Uuid& store) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return Error(ErrorCode::kIo, "index: mkdir " + directory.string() + ": " + error.message());
  const rocksdb::Options options = MakeOptions();
  for (const bool last : {false, true}) {
    auto impl = std::make_unique<Impl>();
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const char* name : kFamilyNames) families.emplace_back(name, options);
    rocksdb::DB* db = nullptr;
    const rocksdb::Status opened =
        rocksdb::DB::Open(options, directory.string(), families, &impl->handles, &db);
    impl->db.reset(db);
    if (opened.ok()) {
      const auto id = impl->Get(kDefault, "id");
      const bool fresh = !id.ok() && id.error().code() == ErrorCode::kNotFound;
      if (fresh || (id.ok() && *id == AsText(store))) {
        auto index = std::unique_ptr<Index>(new Index(std::move(impl)));
        if (fresh) PS_TRY_VOID(index->Clear());
        IndexBatch batch;
        batch.impl_->Put(kDefault, "id", std::string(AsText(store)));
        PS_TRY_VOID(index->Commit(std::move(batch)));
        return index;
      }
    }
    if (last)
      return ToStatus(opened, "open").ok() ? Error(ErrorCode::kIo, "index: cannot be made")
                                           : ToStatus(opened, "open").error();
    // Nothing is lost by it: the log has everything.
    log::Write(log::kWarning, "index is built anew",
               {{"reason", opened.ok() ? "of another store" : opened.ToString()}});
    impl.reset();
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
      std::filesystem::remove_all(entry.path(), error);
    }
  }
  return Error(ErrorCode::kInternal, "unreachable");
}

Status Index::Clear() {
  rocksdb::WriteBatch batch;
  for (const Family family : {kItems, kTimes, kProducer, kTrackSets, kShards, kCatalog, kDefault}) {
    auto at = impl_->Iterate(family);
    at->SeekToFirst();
    if (!at->Valid()) continue;
    const std::string first = at->key().ToString();
    at->SeekToLast();
    std::string end = at->key().ToString();
    end.push_back('\0');
    const std::string id_key = "id";
    batch.DeleteRange(impl_->handles[family], first, end).PermitUncheckedError();
    if (family == kDefault) {
      const auto id = impl_->Get(kDefault, id_key);
      if (id.ok()) batch.Put(impl_->handles[kDefault], id_key, *id).PermitUncheckedError();
    }
  }
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return ToStatus(impl_->db->Write(options, &batch), "clear");
}

Status Index::Commit(IndexBatch batch) {
  rocksdb::WriteBatch rows;
  for (const auto& operation : batch.impl_->operations) {
    rocksdb::ColumnFamilyHandle* const family = impl_->handles[operation.family];
    rocksdb::Status status;
    switch (operation.kind) {
      case IndexBatch::Impl::Operation::Kind::kPut:
        status = rows.Put(family, operation.key, operation.value);
        break;
      case IndexBatch::Impl::Operation::Kind::kErase:
        status = rows.Delete(family, operation.key);
        break;
      case IndexBatch::Impl::Operation::Kind::kEraseRange:
        status = rows.DeleteRange(family, operation.key, operation.value);
        break;
    }
    PS_TRY_VOID(ToStatus(status, "batch"));
  }
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return ToStatus(impl_->db->Write(options, &rows), "write");
}

Status Index::Flush() {
  rocksdb::FlushOptions options;
  options.wait = true;
  options.allow_write_stall = true;
  return ToStatus(impl_->db->Flush(options, impl_->handles), "flush");
}

bool Index::IsIncomplete() const {
  const auto value = impl_->Get(kDefault, "incomplete");
  return value.ok() && *value == "1";
}

Lsn Index::Applied(uint32_t lane) const {
  const auto value = impl_->Get(kDefault, AppliedKey(lane));
  return value.ok() ? ByteReader(AsBytes(*value)).Varint() : 0;
}

uint64_t Index::CatalogCounter() const {
  const auto value = impl_->Get(kDefault, "catalog_counter");
  return value.ok() ? ByteReader(AsBytes(*value)).Varint() : 0;
}

Result<std::vector<CatalogEntry>> Index::LoadCatalog() const {
  std::vector<CatalogEntry> out;
  auto at = impl_->Iterate(kCatalog);
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    ByteReader in(FromSlice(at->value()));
    CatalogEntry entry;
    entry.key = at->key().ToString();
    entry.version = in.Varint();
    entry.value = Bytes::Copy(in.rest());
    out.push_back(std::move(entry));
  }
  PS_TRY_VOID(ToStatus(at->status(), "catalog"));
  return out;
}

Result<std::vector<RequestOutcome>> Index::LoadRequests() const {
  std::vector<RequestOutcome> out;
  auto at = impl_->Iterate(kDefault);
  for (at->Seek(kRequestPrefix); at->Valid() && at->key().starts_with(kRequestPrefix); at->Next()) {
    const uint64_t packed = ByteReader(FromSlice(at->value())).Varint();
    out.push_back(
        {at->key().ToString().substr(kRequestPrefix.size()), packed >> 1, (packed & 1) != 0});
  }
  PS_TRY_VOID(ToStatus(at->status(), "requests"));
  return out;
}

Result<std::vector<ShardState>> Index::LoadShards() const {
  std::vector<ShardState> out;
  auto at = impl_->Iterate(kShards);
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    PS_TRY(ShardState state, DecodeShardState(FromSlice(at->value())));
    out.push_back(std::move(state));
  }
  PS_TRY_VOID(ToStatus(at->status(), "shards"));
  return out;
}

Result<StoredItem> Index::GetItem(const ShardId& shard, uint64_t ordinal) const {
  PS_TRY(const std::string value, impl_->Get(kItems, OrdinalKey(shard, ordinal)));
  return DecodeStoredItem(shard, AsBytes(value));
}

Result<StoredItem> Index::GetTrackSet(const ShardId& shard, TrackSetId id) const {
  PS_TRY(const std::string value, impl_->Get(kTrackSets, OrdinalKey(shard, id)));
  return DecodeStoredItem(shard, AsBytes(value));
}

Result<std::vector<StoredItem>> Index::ListTrackSets(const ShardId& shard) const {
  std::vector<StoredItem> out;
  const std::string prefix = ShardKey(shard);
  auto at = impl_->Iterate(kTrackSets);
  for (at->Seek(prefix); at->Valid() && at->key().starts_with(prefix); at->Next()) {
    PS_TRY(StoredItem item, DecodeStoredItem(shard, FromSlice(at->value())));
    out.push_back(std::move(item));
  }
  PS_TRY_VOID(ToStatus(at->status(), "track_sets"));
  return out;
}

Result<std::vector<StoredItem>> Index::ListItems(const ShardId& shard, uint64_t from, uint64_t end,
                                                 size_t limit) const {
  std::vector<StoredItem> out;
  if (from >= end || limit == 0) return out;
  const std::string upper = OrdinalKey(shard, end);
  const rocksdb::Slice upper_slice(upper);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper_slice;
  const std::unique_ptr<rocksdb::Iterator> at(
      impl_->db->NewIterator(options, impl_->handles[kItems]));
  for (at->Seek(OrdinalKey(shard, from)); at->Valid() && out.size() < limit; at->Next()) {
    PS_TRY(StoredItem item, DecodeStoredItem(shard, FromSlice(at->value())));
    out.push_back(std::move(item));
  }
  PS_TRY_VOID(ToStatus(at->status(), "items"));
  return out;
}

namespace {

// Keys end in time 8 ‖ index 8.
Index::TimePlace PlaceOf(const rocksdb::Slice& key, uint64_t flip) {
  ByteReader in(FromSlice(key).last(16));
  const auto time = static_cast<int64_t>(in.Be<uint64_t>() ^ flip);
  const auto index = in.Be<uint64_t>();
  return Index::TimePlace{OrdinalOfIndex(index), time, index};
}

// `prefix`: the rows of one shard (and clock run); `seek`: the last possible key of the time.
Result<Index::Around> SeekAround(rocksdb::Iterator& at, const std::string& prefix,
                                 const std::string& seek, uint64_t flip) {
  Index::Around around;
  const auto place = [&]() -> std::optional<Index::TimePlace> {
    if (!at.Valid() || !at.key().starts_with(prefix) || at.key().size() < 16) return std::nullopt;
    return PlaceOf(at.key(), flip);
  };
  at.SeekForPrev(seek);
  around.at_or_before = place();
  at.Seek(seek);
  around.after = place();
  PS_TRY_VOID(ToStatus(at.status(), "times"));
  return around;
}

}  // namespace

Result<Index::Around> Index::SeekServerTime(const ShardId& shard, uint32_t clock_run,
                                            int64_t ms) const {
  const std::string seek = TimeKey(shard, clock_run, ms, UINT64_MAX);
  auto at = impl_->Iterate(kTimes);
  return SeekAround(*at, seek.substr(0, 20), seek, 0);
}

Result<Index::Around> Index::SeekProducerTime(const ShardId& shard, int64_t us) const {
  const std::string seek = ProducerKey(shard, us, UINT64_MAX);
  auto at = impl_->Iterate(kProducer);
  return SeekAround(*at, seek.substr(0, 16), seek, kSignBit);
}

Result<std::vector<Index::TimePlace>> Index::ListProducerTimes(const ShardId& shard, int64_t us,
                                                               uint64_t index, int64_t to_us,
                                                               size_t limit) const {
  const std::string behind = ProducerKey(shard, us, index);
  const std::string last = ProducerKey(shard, to_us, UINT64_MAX);
  std::vector<TimePlace> out;
  auto at = impl_->Iterate(kProducer);
  for (at->Seek(behind); at->Valid() && out.size() < limit; at->Next()) {
    if (at->key().compare(last) > 0) break;
    if (at->key().compare(behind) > 0) out.push_back(PlaceOf(at->key(), kSignBit));
  }
  PS_TRY_VOID(ToStatus(at->status(), "producer times"));
  return out;
}

}  // namespace penstock::store
