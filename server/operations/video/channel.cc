#include "server/operations/video/channel.h"

#include <array>

#include <fmt/format.h>

#include "base/random.h"
#include "server/operations/video/catalog_retry.h"
#include "server/operations/video/resource_arn.h"
#include "server/wire/timestamp.h"

namespace penstock::server::aws::video {
namespace {

constexpr std::string_view kKeyPrefix = "video-channel/";

}  // namespace

std::string NewChannelVersion() {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::array<uint8_t, 20> random{};
  FillRandom(random);
  std::string out;
  for (const uint8_t value : random) out += kAlphabet[value % kAlphabet.size()];
  return out;
}

std::string ChannelKey(const StreamName& name) { return std::string(kKeyPrefix) + name.text(); }

Bytes EncodeChannel(const Channel& channel) {
  Json json;
  json.Set("created_ms", ToMs(channel.created));
  json.Set("version", channel.version);
  json.Set("message_ttl_seconds", channel.message_ttl_seconds);
  json.Set("tags", channel.tags);
  json.Set("stores_media", channel.stores_media);
  json.Set("storage_arn", channel.storage_arn);
  return Bytes::From(json.Dump());
}

std::optional<Channel> DecodeChannel(const store::CatalogEntry& entry) {
  auto name = StreamName::Parse(std::string_view(entry.key).substr(kKeyPrefix.size()));
  const auto json = Json::Parse(entry.value.text());
  if (!name.ok() || !json.ok()) return std::nullopt;
  Channel channel{.name = std::move(*name),
                  .created = ServerTimeFromMs((*json)["created_ms"].AsInt()),
                  .version = std::string((*json)["version"].AsString()),
                  .message_ttl_seconds = (*json)["message_ttl_seconds"].AsInt(60),
                  .tags = (*json)["tags"],
                  .stores_media = (*json)["stores_media"].AsBool(),
                  .storage_arn = std::string((*json)["storage_arn"].AsString()),
                  .entry_version = entry.version};
  return channel;
}

std::optional<Channel> LoadChannel(const store::Catalog& catalog, const StreamName& name) {
  const auto entry = catalog.Get(ChannelKey(name));
  return entry ? DecodeChannel(*entry) : std::nullopt;
}

std::vector<Channel> ListChannels(const store::Catalog& catalog, std::string_view prefix,
                                  std::string_view after, size_t limit) {
  std::vector<Channel> out;
  const std::string key_prefix = fmt::format("{}{}", kKeyPrefix, prefix);
  const std::string key_after =
      after.empty() ? std::string() : fmt::format("{}{}", kKeyPrefix, after);
  for (const store::CatalogEntry& entry : catalog.Scan(key_prefix, key_after, limit)) {
    if (auto channel = DecodeChannel(entry)) out.push_back(std::move(*channel));
  }
  return out;
}

Task<Status> CreateChannel(store::Catalog& catalog, Channel channel) {
  if (catalog.Scan(kKeyPrefix, "", kChannelsMax).size() >= kChannelsMax) {
    co_return Error(ErrorCode::kThrottled,
                    fmt::format("There are {} signaling channels already.", kChannelsMax));
  }
  std::vector<store::Expect> expects(1);
  expects[0].key = ChannelKey(channel.name);
  std::vector<store::CatalogWrite> writes(1);
  writes[0].key = expects[0].key;
  writes[0].value = EncodeChannel(channel);
  const Status made = co_await catalog.Txn(std::move(expects), std::move(writes), std::string());
  if (!made.ok() && made.error().code() == ErrorCode::kConflict) {
    co_return Error(ErrorCode::kAlreadyExists,
                    "There is a signaling channel of this name already.");
  }
  co_return made;
}

Task<Status> ChangeChannel(store::Catalog& catalog, Channel channel, ChannelChange change) {
  for (int attempt = 0; attempt < kCatalogAttempts; ++attempt) {
    auto now = LoadChannel(catalog, channel.name);
    if (!now || now->created != channel.created) {
      co_return Error(ErrorCode::kNotFound, "The requested channel is not found or not active.");
    }
    PS_CO_TRY_VOID(change(*now));
    std::vector<store::Expect> expects(1);
    expects[0].key = ChannelKey(channel.name);
    expects[0].version = now->entry_version;
    std::vector<store::CatalogWrite> writes(1);
    writes[0].key = expects[0].key;
    writes[0].value = EncodeChannel(*now);
    const Status saved = co_await catalog.Txn(std::move(expects), std::move(writes), std::string());
    if (saved.ok() || saved.error().code() != ErrorCode::kConflict) co_return saved;
  }
  co_return ChangesTooOften();
}

Json DescribeChannel(const Context& context, const Channel& channel) {
  const ResourceArn arn{ResourceKind::kChannel, channel.name, channel.created};
  Json single_master;
  single_master.Set("MessageTtlSeconds", channel.message_ttl_seconds);
  Json out;
  out.Set("ChannelARN", FormatResourceArn(context, arn));
  out.Set("ChannelName", channel.name.text());
  out.Set("ChannelStatus", "ACTIVE");
  out.Set("ChannelType", "SINGLE_MASTER");
  out.Set("CreationTime", wire::ToTimestamp(channel.created));
  out.Set("SingleMasterConfiguration", std::move(single_master));
  out.Set("Version", channel.version);
  return out;
}

}  // namespace penstock::server::aws::video
