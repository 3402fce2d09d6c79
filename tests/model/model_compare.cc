// The half of ModelRun that looks and changes nothing.
#include <fmt/format.h>

#include "tests/model/model_run.h"
#include "tests/model/model_stream.h"

namespace penstock::testing {

Task<void> ModelRun::CompareAll() {
  // Hidden exactly on time, not when somebody tidies up.
  for (const auto& stream : streams_) stream->model.RetentionPassed(clock_.Now());
  if (store_->ListStreams().size() != streams_.size()) Broken("another number of streams");
  for (const auto& stream : streams_) {
    const auto info = store_->GetStream(stream->info.name);
    if (!info || info->shard != stream->info.shard ||
        info->retention_hours != stream->info.retention_hours) {
      Broken("a stream is gone or another");
    }
    co_await CompareShard(*stream);
  }
  CompareHolds();
  CompareCatalog();
}

Task<void> ModelRun::CompareShard(Stream& stream) {
  const store::Selector oldest = store::FromOldest();
  co_await CompareListing(stream, oldest);
  for (int i = 0; i < 3; ++i) {
    const store::Selector any = AnySelector(stream);
    co_await CompareListing(stream, any);
  }
  if (!stream.shard->FindLive(stream.model.visible_end(), 1).empty())
    Broken("a slot is shown live before it has ended");
  co_await CompareBytes(stream);
  co_await CompareTail(stream);
  CompareStatus(stream);
}

store::Selector ModelRun::AnySelector(const Stream& stream) {
  const ShardModel& model = stream.model;
  const uint64_t ordinal = prng_.Below(model.size() + 2);
  const store::ItemHeader near =
      ordinal < model.size() ? model.at(ordinal).header : store::ItemHeader();
  const auto off = std::chrono::milliseconds(prng_.Below(4000)) - std::chrono::milliseconds(2000);
  switch (prng_.Below(5)) {
    case 0:
      return store::FromLatest();
    case 1:
      return store::FromOrdinal{ordinal};
    case 2:
      return store::AfterNumber{near.number.index + prng_.Below(2)};
    case 3:
      return store::FromServerTime{near.server_time + off};
    default:
      // What was not stored has no producer time.
      if (near.body_bytes == 0) return store::FromOldest();
      return store::FromProducerTime{near.producer_time + off};
  }
}

Task<void> ModelRun::CompareListing(Stream& stream, store::Selector from) {
  const std::set<uint64_t> starts = stream.model.StartsOf(from);
  const uint64_t end = stream.model.visible_end();
  const size_t limit = 1 + prng_.Below(20);
  const auto page = co_await stream.shard->Find(from, limit);
  if (!page.ok()) {
    Broken("cannot find: " + page.error().ToString());
    co_return;
  }
  const uint64_t begin = page->empty() ? end : page->front().header.ordinal;
  if (!starts.contains(begin)) {
    Broken(fmt::format("{}: selector {} starts at {} and not at {} (visible {} to {})",
                       stream.info.name.text(), from.index(), begin, *starts.begin(),
                       stream.model.oldest_ordinal(), end));
    co_return;
  }
  if (page->size() > limit) Broken("more than was asked for");
  uint64_t next = begin;
  for (const store::ItemRef& ref : *page) {
    if (ref.header.ordinal != next) Broken("a listing has a hole, or what has gone");
    next = stream.model.Visible(ref.header.ordinal + 1);
    if (ref.shard != stream.info.shard) Broken("an item of another shard");
    stream.model.Compare(ref.header);
  }
  if (page->size() < limit && next != end)
    Broken(fmt::format("a listing ends at {} of {}", next, end));
  // The listing of everything is followed to its end.
  if (!std::holds_alternative<store::FromOldest>(from) || next == end) co_return;
  const store::Selector rest = store::FromOrdinal{next};
  co_await CompareListing(stream, rest);
}

Task<void> ModelRun::CompareBytes(Stream& stream) {
  if (stream.model.size() == 0) co_return;
  const ShardModel::Item& item = stream.model.at(prng_.Below(stream.model.size()));
  if (item.state != ShardModel::State::kStored) co_return;
  const uint64_t ordinal = item.header.ordinal;
  const store::ItemRef ref{.shard = stream.info.shard, .header = item.header};
  const store::BodyForm form =
      prng_.OneIn(2) ? store::BodyForm::kMemory : store::BodyForm::kFileSlice;
  const auto bytes = co_await stream.shard->Open(ref, form);
  const auto meta = co_await stream.shard->ReadMeta(ref);
  if (stream.model.IsHidden(ordinal)) {
    if (bytes.ok() || bytes.error().code() != ErrorCode::kTrimmed) Broken("a hidden item opens");
    co_return;
  }
  if (!bytes.ok() || !meta.ok()) {
    Broken(fmt::format("cannot open ordinal {}: {}", ordinal,
                       (bytes.ok() ? meta.error() : bytes.error()).ToString()));
    co_return;
  }
  if (const std::string why = item.content.Compare(bytes->meta, ReadWhole(*bytes)); !why.empty())
    Broken(why);
  if (meta->text() != item.content.meta().text()) Broken("meta reads differently alone");
  if (item.header.track_set == 0) co_return;
  const auto tracks = co_await stream.shard->GetTrackSet(item.header.track_set);
  if (!tracks.ok() || tracks->body.text() != item.content.track_set().text() ||
      tracks->meta.text() != item.content.track_set_meta().text()) {
    Broken(fmt::format("the track set of ordinal {} is another{}", ordinal,
                       tracks.ok() ? "" : ": " + tracks.error().ToString()));
  }
}

Task<void> ModelRun::CompareTail(Stream& stream) {
  if (stream.tail == nullptr) {
    const bool latest = prng_.OneIn(2);
    stream.tail_asks_oldest = !latest;
    stream.tail_at = latest ? stream.model.visible_end() : stream.model.Visible(0);
    stream.tail =
        stream.shard->MakeTail(latest ? store::Selector(store::FromLatest()) : store::FromOldest());
  }
  // "The oldest" is looked for when it is first asked, "the newest" when the tail is made.
  if (stream.tail_asks_oldest) {
    stream.tail_at = stream.model.Visible(0);
  }
  const bool trimmed = stream.model.IsHidden(stream.tail_at);
  if (!trimmed && stream.tail_at >= stream.model.visible_end()) co_return;  // it would wait
  stream.tail_asks_oldest = false;
  const size_t limit = 1 + prng_.Below(10);
  const auto items = co_await stream.tail->Next(limit, CancelToken());
  if (trimmed) {
    if (items.ok() || items.error().code() != ErrorCode::kTrimmed)
      Broken("a tail does not notice that it was overtaken");
    stream.tail.reset();
    co_return;
  }
  if (!items.ok() || items->empty() || items->size() > limit) {
    Broken("a tail gives " +
           (items.ok() ? fmt::format("{} items", items->size()) : items.error().ToString()));
    co_return;
  }
  for (const store::ItemRef& ref : *items) {
    if (ref.header.ordinal != stream.model.Visible(stream.tail_at)) Broken("a tail has a hole");
    stream.model.Compare(ref.header);
    stream.tail_at = ref.header.ordinal + 1;
  }
  // It steps over what has gone behind something held, but not over what goes from now on.
  const uint64_t last = stream.tail_at - 1;
  if (last < stream.model.oldest_ordinal()) stream.tail_at = stream.model.Visible(last + 1);
}

void ModelRun::CompareStatus(Stream& stream) {
  const ShardModel& model = stream.model;
  const store::ShardStatus status = stream.shard->GetStatus();
  const uint64_t end = model.visible_end();
  const bool empty = model.oldest_ordinal() >= end;
  if (status.next_ordinal != end)
    Broken(fmt::format("status: next {} instead of {}", status.next_ordinal, end));
  if (status.oldest_ordinal != (empty ? end : model.oldest_ordinal())) {
    Broken(fmt::format("status: oldest {} instead of {}", status.oldest_ordinal,
                       model.oldest_ordinal()));
  }
  if (status.oldest.has_value() == empty || status.newest.has_value() == empty)
    Broken("status: oldest or newest");
  std::set<uint64_t> held;
  uint64_t held_items = 0;
  for (const store::HeldStretch& stretch : status.held) {
    for (uint64_t at = stretch.first_ordinal; at < stretch.end_ordinal; ++at) held.insert(at);
    held_items += stretch.items;
  }
  for (uint64_t at = 0; at < model.size(); ++at) {
    const bool before = at < model.oldest_ordinal();
    if (held.contains(at) != (before && model.IsVisible(at)))
      Broken(fmt::format("status: ordinal {} is held or not", at));
    if (status.Shows(at) == model.IsHidden(at))
      Broken(fmt::format("status: ordinal {} is shown or not", at));
  }
  if (held_items != held.size()) Broken("status: another number of held items");
  if (empty || !status.oldest || !status.newest) return;
  if (status.oldest->ordinal != model.oldest_ordinal() || status.newest->ordinal != end - 1)
    Broken("status: other items");
  stream.model.Compare(*status.oldest);
  stream.model.Compare(*status.newest);
}

void ModelRun::CompareCatalog() {
  const store::Catalog& catalog = store_->catalog();
  const auto entries = catalog.Scan("test/", "", 100);
  if (entries.size() != catalog_.size())
    Broken(fmt::format("catalog: {} entries instead of {}", entries.size(), catalog_.size()));
  auto expected = catalog_.begin();
  for (const store::CatalogEntry& entry : entries) {
    if (expected == catalog_.end()) return;
    if (entry.key != expected->first || entry.value.text() != expected->second.value ||
        entry.version != expected->second.version) {
      Broken(fmt::format("catalog: {} v{} instead of {} v{}", entry.key, entry.version,
                         expected->first, expected->second.version));
    }
    const auto got = catalog.Get(entry.key);
    if (!got || got->version != entry.version) Broken("catalog: Get and Scan disagree");
    ++expected;
  }
  if (catalog_.size() < 2) return;
  const std::string& first = catalog_.begin()->first;
  const auto after = catalog.Scan("test/", first, 1);
  if (after.size() != 1 || after.front().key != std::next(catalog_.begin())->first)
    Broken("catalog: Scan does not go on");
}

}  // namespace penstock::testing
