#include "server/operations/video/media_storage.h"

#include "server/operations/aws_context.h"
#include "server/operations/video/catalog_retry.h"
#include "server/operations/video/stream_arn.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

constexpr std::string_view kChannelKind = "channel";

Error NoChannel() {
  return Error(ErrorCode::kNotFound, "The requested channel is not found or not active.");
}

std::optional<store::StreamInfo> StreamOf(const Services& services, std::string_view arn) {
  const auto parsed = ParseStreamArn(arn);
  if (!parsed.ok()) return std::nullopt;
  auto info = services.store.GetStream(parsed->name);
  if (!info || info->created != parsed->created) return std::nullopt;
  return info;
}

std::string MappingKey(const store::StreamInfo& info) {
  return AttachmentKey(info.shard, kChannelKind);
}

Bytes EncodeMapping(const Channel& channel) {
  Json json;
  json.Set("channel", channel.name.text());
  json.Set("created_ms", ToMs(channel.created));
  return Bytes::From(json.Dump());
}

store::Expect AsItIs(const store::Catalog& catalog, std::string key) {
  const auto entry = catalog.Get(key);
  return store::Expect{std::move(key), entry ? entry->version : 0};
}

store::CatalogWrite Erase(std::string key) {
  return store::CatalogWrite{std::move(key), std::nullopt};
}

// What is to be written so that `channel`, as stored now, stores as `storage` says.
store::CatalogWrite WithStorage(const Services& services, Channel& channel,
                                const MediaStorage& storage) {
  channel.stores_media = storage.enabled;
  channel.storage_arn.clear();
  if (storage.stream) {
    const StreamArn arn{storage.stream->name, storage.stream->created};
    channel.storage_arn = FormatStreamArn(services.aws, arn);
  }
  return store::CatalogWrite{ChannelKey(channel.name), EncodeChannel(channel)};
}

}  // namespace

std::optional<store::StreamInfo> StorageOf(const Services& services, const Channel& channel) {
  if (!channel.stores_media) return std::nullopt;
  return StreamOf(services, channel.storage_arn);
}

Json StorageArn(const Services& services, const Channel& channel) {
  return StreamOf(services, channel.storage_arn) ? Json(channel.storage_arn) : Json();
}

std::optional<Channel> ChannelOf(const Services& services, const store::StreamInfo& info) {
  const Json mapping = LoadAttachment(services.store.catalog(), info.shard, kChannelKind);
  const auto name = StreamName::Parse(mapping["channel"].AsString());
  if (!name.ok()) return std::nullopt;
  auto channel = LoadChannel(services.store.catalog(), *name);
  if (!channel || ToMs(channel->created) != mapping["created_ms"].AsInt()) return std::nullopt;
  return channel;
}

Task<Status> SetMediaStorage(Services& services, Channel channel, MediaStorage storage) {
  store::Catalog& catalog = services.store.catalog();
  for (int attempt = 0; attempt < kCatalogAttempts; ++attempt) {
    auto now = LoadChannel(catalog, channel.name);
    if (!now || now->created != channel.created) co_return NoChannel();
    std::vector<store::Expect> expects(1);
    expects[0].key = ChannelKey(now->name);
    expects[0].version = now->entry_version;
    std::vector<store::CatalogWrite> writes;
    if (const auto before = StorageOf(services, *now)) writes.push_back(Erase(MappingKey(*before)));
    if (storage.enabled) {
      expects.push_back(AsItIs(catalog, MappingKey(*storage.stream)));
      const auto other = ChannelOf(services, *storage.stream);
      if (other && other->name != now->name) {
        co_return Error(ErrorCode::kAlreadyExists,
                        "The media of another channel is stored in this stream.");
      }
    }
    writes.push_back(WithStorage(services, *now, storage));
    if (storage.enabled) {
      // The last write of a key counts: it may have been erased above.
      store::CatalogWrite& mapping = writes.emplace_back();
      mapping.key = MappingKey(*storage.stream);
      mapping.value = EncodeMapping(*now);
    }
    const Status saved = co_await catalog.Txn(std::move(expects), std::move(writes), std::string());
    if (saved.ok()) {
      if (storage.enabled) PS_CO_TRY_VOID(co_await ForgetIfGone(services.store, *storage.stream));
      co_return Status();
    }
    if (saved.error().code() != ErrorCode::kConflict) co_return saved;
  }
  co_return ChangesTooOften();
}

Task<Status> DeleteChannel(Services& services, Channel channel, std::string version) {
  store::Catalog& catalog = services.store.catalog();
  for (int attempt = 0; attempt < kCatalogAttempts; ++attempt) {
    const auto now = LoadChannel(catalog, channel.name);
    if (!now || now->created != channel.created) co_return NoChannel();
    if (!version.empty() && version != now->version)
      co_return Error(ErrorCode::kConflict, "The channel has another version by now.");
    std::vector<store::Expect> expects(1);
    expects[0].key = ChannelKey(now->name);
    expects[0].version = now->entry_version;
    std::vector<store::CatalogWrite> writes;
    writes.push_back(Erase(ChannelKey(now->name)));
    if (const auto stream = StorageOf(services, *now)) writes.push_back(Erase(MappingKey(*stream)));
    const Status saved = co_await catalog.Txn(std::move(expects), std::move(writes), std::string());
    if (saved.ok() || saved.error().code() != ErrorCode::kConflict) co_return saved;
  }
  co_return ChangesTooOften();
}

}  // namespace penstock::server::aws::video
