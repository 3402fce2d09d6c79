// A stream, usable as soon as the answer is there.
#include "base/limits.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"
#include "server/operations/video/stream_arn.h"
#include "server/operations/video/stream_info.h"
#include "server/operations/video/tags.h"

namespace penstock::server::aws::video {
namespace {

constexpr Shape kKmsKeyId{.min = 1, .max = 2048, .pattern = &wire::kAnyLine};
constexpr Shape kHours{.kind = Kind::kInteger, .min = 0};

constexpr Member kMembers[] = {
    {"DeviceName", &kDeviceNameShape},
    {"StreamName", &kStreamNameShape, true},
    {"MediaType", &kMediaTypeShape},
    {"KmsKeyId", &kKmsKeyId},
    {"DataRetentionInHours", &kHours},
    {"Tags", &kTagMapShape},
    {"StreamStorageConfiguration", &kStorageShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const Json& input = call.input;
  StreamTraits traits;
  traits.device_name = input["DeviceName"].AsString();
  traits.media_type = input["MediaType"].AsString();
  traits.kms_key_id = input["KmsKeyId"].AsString();
  traits.storage_tier = input["StreamStorageConfiguration"]["DefaultStorageTier"].AsString();
  PS_CO_TRY(traits.tags, AddTags(Json(), input["Tags"]));
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
    "CreateStream", "/createStream", &kInput, Resource::kNewStream, Run, kTagErrors};

}  // namespace penstock::server::aws::video
