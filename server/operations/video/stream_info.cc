#include "server/operations/video/stream_info.h"

#include <fmt/format.h>

#include "server/auth/sigv4/signature.h"
#include "server/operations/video/stream_arn.h"
#include "server/wire/timestamp.h"

namespace penstock::server::aws::video {
namespace {

constexpr size_t kVersionChars = 20;

std::string CatalogKey(const ShardId& shard) { return fmt::format("video/{}", shard.ToString()); }

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

bool StreamTraits::empty() const {
  return device_name.empty() && media_type.empty() && kms_key_id.empty() && storage_tier.empty() &&
         tags.is_null();
}

Task<Status> SaveTraits(store::Catalog& catalog, ShardId shard, StreamTraits traits) {
  Json json;
  json.Set("device_name", traits.device_name);
  json.Set("media_type", traits.media_type);
  json.Set("kms_key_id", traits.kms_key_id);
  json.Set("storage_tier", traits.storage_tier);
  json.Set("tags", std::move(traits.tags));
  std::vector<store::CatalogWrite> writes(1);
  writes[0].key = CatalogKey(shard);
  writes[0].value = Bytes::From(json.Dump());
  std::vector<store::Expect> none;
  co_return co_await catalog.Txn(std::move(none), std::move(writes), std::string());
}

StreamTraits LoadTraits(const store::Catalog& catalog, const ShardId& shard) {
  StreamTraits traits;
  const auto entry = catalog.Get(CatalogKey(shard));
  if (!entry) return traits;
  const auto json = Json::Parse(entry->value.text());
  if (!json.ok()) return traits;
  traits.device_name = (*json)["device_name"].AsString();
  traits.media_type = (*json)["media_type"].AsString();
  traits.kms_key_id = (*json)["kms_key_id"].AsString();
  traits.storage_tier = (*json)["storage_tier"].AsString();
  traits.tags = (*json)["tags"];
  return traits;
}

Task<Status> ForgetTraits(store::Catalog& catalog, ShardId shard) {
  if (!catalog.Get(CatalogKey(shard))) co_return Status();
  std::vector<store::CatalogWrite> writes(1);
  writes[0].key = CatalogKey(shard);
  std::vector<store::Expect> none;
  co_return co_await catalog.Txn(std::move(none), std::move(writes), std::string());
}

std::string VersionOf(const store::StreamInfo& info) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const std::string digits =
      sigv4::Sha256Hex(fmt::format("{}/{}", info.shard.ToString(), info.version));
  std::string out;
  // Three hexadecimal digits a character: 4,096 values over 62 letters is even enough.
  for (size_t i = 0; i < kVersionChars; ++i) {
    const int value = std::stoi(digits.substr(3 * i, 3), nullptr, 16);
    out += kAlphabet[value % (sizeof(kAlphabet) - 1)];
  }
  return out;
}

Json DescribeInfo(const Services& services, const store::StreamInfo& info) {
  const StreamTraits traits = LoadTraits(services.store.catalog(), info.shard);
  const std::string kms = traits.kms_key_id.empty()
                              ? fmt::format("arn:aws:kms:{}:{}:alias/aws/kinesisvideo",
                                            services.aws.region, services.aws.account)
                              : traits.kms_key_id;
  Json out;
  out.Set("CreationTime", wire::ToTimestamp(info.created));
  out.Set("DataRetentionInHours", info.retention_hours);
  out.Set("DeviceName", TextOrNull(traits.device_name));
  out.Set("KmsKeyId", kms);
  out.Set("MediaType", TextOrNull(traits.media_type));
  out.Set("Status", "ACTIVE");
  out.Set("StreamARN", FormatStreamArn(services.aws, StreamArn{info.name, info.created}));
  out.Set("StreamName", info.name.text());
  out.Set("Version", VersionOf(info));
  return out;
}

}  // namespace penstock::server::aws::video
