#include "server/operations/video/stream_info.h"

#include <fmt/format.h>

#include "server/auth/sigv4/signature.h"
#include "server/operations/video/catalog_retry.h"
#include "server/operations/video/stream_arn.h"
#include "server/wire/timestamp.h"

namespace penstock::server::aws::video {
namespace {

constexpr size_t kVersionChars = 20;
// The traits and the kinds of attachments there are, and more.
constexpr size_t kEntriesMax = 64;

std::string CatalogKey(const ShardId& shard) { return fmt::format("video/{}", shard.ToString()); }

Json TextOrNull(const std::string& text) { return text.empty() ? Json() : Json(text); }

Bytes Encode(const StreamTraits& traits) {
  Json json;
  json.Set("device_name", traits.device_name);
  json.Set("media_type", traits.media_type);
  json.Set("kms_key_id", traits.kms_key_id);
  json.Set("storage_tier", traits.storage_tier);
  json.Set("tags", traits.tags);
  json.Set("revision", traits.revision);
  return Bytes::From(json.Dump());
}

StreamTraits Decode(const store::CatalogEntry& entry) {
  StreamTraits traits;
  const auto json = Json::Parse(entry.value.text());
  if (!json.ok()) return traits;
  traits.device_name = (*json)["device_name"].AsString();
  traits.media_type = (*json)["media_type"].AsString();
  traits.kms_key_id = (*json)["kms_key_id"].AsString();
  traits.storage_tier = (*json)["storage_tier"].AsString();
  traits.tags = (*json)["tags"];
  traits.revision = (*json)["revision"].AsInt();
  return traits;
}

}  // namespace

bool StreamTraits::empty() const {
  return device_name.empty() && media_type.empty() && kms_key_id.empty() && storage_tier.empty() &&
         tags.is_null();
}

Task<Status> SaveTraits(store::Catalog& catalog, ShardId shard, StreamTraits traits) {
  std::vector<store::CatalogWrite> writes(1);
  writes[0].key = CatalogKey(shard);
  writes[0].value = Encode(traits);
  std::vector<store::Expect> none;
  co_return co_await catalog.Txn(std::move(none), std::move(writes), std::string());
}

StreamTraits LoadTraits(const store::Catalog& catalog, const ShardId& shard) {
  const auto entry = catalog.Get(CatalogKey(shard));
  return entry ? Decode(*entry) : StreamTraits();
}

Task<Status> ForgetTraits(store::Catalog& catalog, ShardId shard) {
  std::vector<store::CatalogWrite> writes;
  for (const store::CatalogEntry& entry : catalog.Scan(CatalogKey(shard), "", kEntriesMax)) {
    store::CatalogWrite& erase = writes.emplace_back();
    erase.key = entry.key;
  }
  if (writes.empty()) co_return Status();
  std::vector<store::Expect> none;
  co_return co_await catalog.Txn(std::move(none), std::move(writes), std::string());
}

Task<Status> ForgetIfGone(store::Store& store, store::StreamInfo info) {
  const auto now = store.GetStream(info.name);
  if (now && now->shard == info.shard) co_return Status();
  PS_CO_TRY_VOID(co_await ForgetTraits(store.catalog(), info.shard));
  co_return Error(ErrorCode::kNotFound, "The requested stream is not found or not active.");
}

Task<Status> ChangeTraits(store::Store& store, store::StreamInfo info, TraitsChange change) {
  store::Catalog& catalog = store.catalog();
  for (int attempt = 0; attempt < kCatalogAttempts; ++attempt) {
    const auto entry = catalog.Get(CatalogKey(info.shard));
    StreamTraits traits = entry ? Decode(*entry) : StreamTraits();
    PS_CO_TRY_VOID(change(traits));
    std::vector<store::Expect> expects(1);
    expects[0].key = CatalogKey(info.shard);
    expects[0].version = entry ? entry->version : 0;
    std::vector<store::CatalogWrite> writes(1);
    writes[0].key = CatalogKey(info.shard);
    writes[0].value = Encode(traits);
    const Status saved = co_await catalog.Txn(std::move(expects), std::move(writes), std::string());
    if (saved.ok()) co_return co_await ForgetIfGone(store, std::move(info));
    if (saved.error().code() != ErrorCode::kConflict) co_return saved;
  }
  co_return ChangesTooOften();
}

std::string AttachmentKey(const ShardId& shard, std::string_view kind) {
  return fmt::format("{}/{}", CatalogKey(shard), kind);
}

Json LoadAttachment(const store::Catalog& catalog, const ShardId& shard, std::string_view kind) {
  const auto entry = catalog.Get(AttachmentKey(shard, kind));
  if (!entry) return Json();
  auto json = Json::Parse(entry->value.text());
  return json.ok() ? std::move(*json) : Json();
}

Task<Status> SaveAttachment(store::Store& store, store::StreamInfo info, std::string kind,
                            Json value) {
  std::vector<store::CatalogWrite> writes(1);
  writes[0].key = AttachmentKey(info.shard, kind);
  if (!value.is_null()) writes[0].value = Bytes::From(value.Dump());
  std::vector<store::Expect> none;
  PS_CO_TRY_VOID(co_await store.catalog().Txn(std::move(none), std::move(writes), std::string()));
  co_return co_await ForgetIfGone(store, std::move(info));
}

std::string VersionOf(const store::StreamInfo& info, const StreamTraits& traits) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const std::string digits = sigv4::Sha256Hex(
      fmt::format("{}/{}/{}", info.shard.ToString(), info.version, traits.revision));
  std::string out;
  // Three hexadecimal digits a character: 4,096 values over 62 letters is even enough.
  for (size_t i = 0; i < kVersionChars; ++i) {
    const int value = std::stoi(digits.substr(3 * i, 3), nullptr, 16);
    out += kAlphabet[value % (sizeof(kAlphabet) - 1)];
  }
  return out;
}

Status CheckVersion(const Json& input, const store::StreamInfo& info, const StreamTraits& traits) {
  const std::string_view seen = input["CurrentVersion"].AsString();
  if (seen.empty() || seen == VersionOf(info, traits)) return Status();
  return Error(ErrorCode::kConflict, "The stream has another version by now.");
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
  out.Set("Version", VersionOf(info, traits));
  return out;
}

}  // namespace penstock::server::aws::video
