// A stream, usable as soon as the answer is there.
#include "base/limits.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/operations/video/stream_arn.h"
#include "server/operations/video/stream_info.h"

namespace penstock::server::aws::video {
namespace {

constexpr int64_t kTagsMax = 50;

constexpr Shape kDeviceName{.min = 1, .max = 128, .pattern = &wire::kName};
constexpr Shape kMediaType{.min = 1, .max = 128, .pattern = &wire::kMediaTypes};
constexpr Shape kKmsKeyId{.min = 1, .max = 2048, .pattern = &wire::kAnyLine};
constexpr Shape kHours{.kind = Kind::kInteger, .min = 0};
constexpr Shape kTagKey{.min = 1, .max = 128, .pattern = &wire::kTagText};
constexpr Shape kTagValue{.min = 0, .max = 256, .pattern = &wire::kTagText};
// More than 50 have an error of their own.
constexpr Shape kTags{.kind = Kind::kMap, .min = 1, .element = &kTagValue, .key = &kTagKey};
constexpr std::string_view kTiers[] = {"HOT", "WARM"};
constexpr Shape kTier{.values = kTiers};
constexpr Member kStorageMembers[] = {{"DefaultStorageTier", &kTier, true}};
constexpr Shape kStorage{.kind = Kind::kStructure, .members = kStorageMembers};

constexpr Member kMembers[] = {
    {"DeviceName", &kDeviceName},
    {"StreamName", &kStreamNameShape, true},
    {"MediaType", &kMediaType},
    {"KmsKeyId", &kKmsKeyId},
    {"DataRetentionInHours", &kHours},
    {"Tags", &kTags},
    {"StreamStorageConfiguration", &kStorage},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

constexpr ErrorName kErrors[] = {
    {ErrorCode::kTooLarge, "TagsPerResourceExceededLimitException"},
};

Task<Outcome> Run(Services& services, Call call) {
  const Json& input = call.input;
  StreamTraits traits;
  traits.device_name = input["DeviceName"].AsString();
  traits.media_type = input["MediaType"].AsString();
  traits.kms_key_id = input["KmsKeyId"].AsString();
  traits.storage_tier = input["StreamStorageConfiguration"]["DefaultStorageTier"].AsString();
  traits.tags = input["Tags"];
  if (static_cast<int64_t>(traits.tags.object().size()) > kTagsMax)
    co_return Error(ErrorCode::kTooLarge, "A stream has at most 50 tags.");
  // Amazon's default, not ours: who leaves it out has been told that nothing is kept.
  const int64_t hours = input["DataRetentionInHours"].AsInt(0);
  if (hours > int64_t{limits::kRetentionHoursMax})
    co_return Error(ErrorCode::kInvalidArgument, "DataRetentionInHours is at most 87600.");
  auto made = co_await services.store.CreateStream(*call.name, static_cast<uint32_t>(hours));
  if (!made.ok()) {
    if (made.error().code() != ErrorCode::kAlreadyExists) co_return std::move(made).error();
    co_return Error(ErrorCode::kAlreadyExists, "There is a stream of this name already.");
  }
  if (!traits.empty()) {
    PS_CO_TRY_VOID(co_await SaveTraits(services.store.catalog(), made->shard, std::move(traits)));
  }
  Json out;
  out.Set("StreamARN", FormatStreamArn(services.aws, StreamArn{made->name, made->created}));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kCreateStream{
    "CreateStream", "/createStream", &kInput, Resource::kNewStream, Run, kErrors};

}  // namespace penstock::server::aws::video
