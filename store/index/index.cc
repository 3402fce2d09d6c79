#include "store/index/index.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "base/log.h"
#include "store/index/engine_watch.h"
#include "store/index/entry.h"
#include "store/index/index_batch.h"
#include "store/index/keys.h"

namespace penstock::store {
namespace {

// How often a write that flushes or compactions hold up is tried again at least.
constexpr std::chrono::milliseconds kStallLook{50};

enum class OpenFor { kReading, kWriting };

using Handles = std::vector<rocksdb::ColumnFamilyHandle*>;

ByteSpan FromSlice(const rocksdb::Slice& slice) { return AsBytes(slice.ToStringView()); }

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

class Silence final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

struct Index::Impl {
  EngineWatch watch;
  std::unique_ptr<rocksdb::DB> db;
  Handles handles;

  ~Impl() {
    watch.StopWaiting();
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      if (handle != nullptr) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
    if (db) db->Close().PermitUncheckedError();
    db.reset();
  }

  rocksdb::Status Open(const rocksdb::Options& options, const std::filesystem::path& directory,
                       OpenFor purpose) {
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const char* name : kFamilyNames) families.emplace_back(name, options);
    rocksdb::DB* opened = nullptr;
    rocksdb::Status status =
        purpose == OpenFor::kReading
            ? rocksdb::DB::OpenForReadOnly(options, directory.string(), families, &handles, &opened)
            : rocksdb::DB::Open(options, directory.string(), families, &handles, &opened);
    db.reset(opened);
    return status;
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

Index::Index(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Index::~Index() = default;

Result<std::unique_ptr<Index>> Index::Open(const std::filesystem::path& directory,
                                           const Uuid& store, rocksdb::Env* environment) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return Error(ErrorCode::kIo, "index: mkdir " + directory.string() + ": " + error.message());
  rocksdb::Options options = MakeOptions();
  for (const bool last : {false, true}) {
    auto impl = std::make_unique<Impl>();
    options.env = impl->watch.MakePatient(environment);
    options.listeners = {impl->watch.listener()};
    const rocksdb::Status opened = impl->Open(options, directory, OpenFor::kWriting);
    if (opened.ok()) {
      const auto id = impl->Get(kDefault, "id");
      const bool fresh = !id.ok() && id.error().code() == ErrorCode::kNotFound;
      if (fresh || (id.ok() && *id == AsText(store))) {
        impl->watch.StartWaiting();
        auto index = std::unique_ptr<Index>(new Index(std::move(impl)));
        if (fresh) PS_TRY_VOID(index->Clear());
        IndexBatch batch;
        batch.impl_->Put(kDefault, "id", std::string(AsText(store)));
        PS_TRY_VOID(index->Commit(batch));
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

Result<std::unique_ptr<Index>> Index::OpenForReading(const std::filesystem::path& directory,
                                                     rocksdb::Env* environment) {
  std::error_code error;
  if (!std::filesystem::exists(directory / "CURRENT", error))
    return Error(ErrorCode::kNotFound, "index: there is none");
  rocksdb::Options options = MakeOptions();
  options.create_if_missing = false;
  if (environment != nullptr) options.env = environment;
  options.info_log = std::make_shared<Silence>();  // or it would make a file for it
  auto impl = std::make_unique<Impl>();
  PS_TRY_VOID(ToStatus(impl->Open(options, directory, OpenFor::kReading), "open"));
  return std::unique_ptr<Index>(new Index(std::move(impl)));
}

Result<std::string> Index::StoreId() const { return impl_->Get(kDefault, "id"); }

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

Status Index::Commit(const IndexBatch& batch) {
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
  options.no_slowdown = true;  // says so instead of waiting for a flush, which may wait for room
  for (;;) {
    const rocksdb::Status written = impl_->db->Write(options, &rows);
    if (!written.IsIncomplete()) return ToStatus(written, "write");
    if (impl_->watch.waits())
      return Error(ErrorCode::kFull, "index: write: too much waits for room");
    impl_->watch.AwaitProgress(kStallLook);
  }
}

// RocksDB's own waiting would last until there is room.
Status Index::Flush() {
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;
  for (;;) {
    if (impl_->watch.waits()) return Error(ErrorCode::kFull, "index: flush: there is no room");
    const rocksdb::Status begun = impl_->db->Flush(options, impl_->handles);
    if (!begun.IsTryAgain()) {
      PS_TRY_VOID(ToStatus(begun, "flush"));
      break;
    }
    impl_->watch.AwaitProgress(kStallLook);
  }
  const auto flushed = [this] {
    uint64_t left = 0;
    for (rocksdb::ColumnFamilyHandle* const family : impl_->handles) {
      if (!impl_->db->GetIntProperty(family, rocksdb::DB::Properties::kNumImmutableMemTable, &left))
        return false;
      if (left > 0) return false;
    }
    return true;
  };
  return impl_->watch.Await(flushed);
}

bool Index::waits_for_room() const { return impl_->watch.waits(); }
void Index::LookForRoom() { impl_->watch.TryAgain(); }

Index::Memory Index::memory() const {
  Memory memory;
  // Zero where it cannot be told.
  impl_->db->GetAggregatedIntProperty(rocksdb::DB::Properties::kSizeAllMemTables, &memory.buffers);
  impl_->db->GetIntProperty(rocksdb::DB::Properties::kBlockCacheUsage, &memory.cache);
  return memory;
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

bool Index::HasTimes(const ItemRecord& item) const {
  const ItemHeader& header = item.header;
  const uint64_t index = header.number.index;
  return impl_->Get(kTimes, TimeKey(item.shard, item.clock_run, header.number.server_ms, index))
             .ok() &&
         impl_->Get(kProducer, ProducerKey(item.shard, ToUs(header.producer_time), index)).ok();
}

Result<Index::Rows> Index::CountRows(const ShardId& shard, uint64_t from) const {
  Rows rows;
  const std::string prefix = ShardKey(shard);
  const auto count = [&](Family family, const auto& ordinal, uint64_t& counted) -> Status {
    auto at = impl_->Iterate(family);
    for (at->Seek(prefix); at->Valid() && at->key().starts_with(prefix); at->Next()) {
      if (ordinal(at->key()) >= from) ++counted;
    }
    return ToStatus(at->status(), kFamilyNames[family]);
  };
  const auto by_ordinal = [](const rocksdb::Slice& key) {
    return ByteReader(FromSlice(key).last(8)).Be<uint64_t>();
  };
  const auto by_time = [](const rocksdb::Slice& key) { return PlaceOf(key, 0).ordinal; };
  PS_TRY_VOID(count(kItems, by_ordinal, rows.items));
  PS_TRY_VOID(count(kTimes, by_time, rows.times));
  PS_TRY_VOID(count(kProducer, by_time, rows.producer));
  return rows;
}

}  // namespace penstock::store
