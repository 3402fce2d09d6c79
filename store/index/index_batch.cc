#include "store/index/index_batch.h"

#include "store/index/entry.h"

namespace penstock::store {

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
void IndexBatch::EraseItems(const ShardId& shard, uint64_t from, uint64_t end) {
  if (from < end) impl_->EraseRange(kItems, OrdinalKey(shard, from), OrdinalKey(shard, end));
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

}  // namespace penstock::store
