// Kept and shown; none takes it away.
#include <charconv>

#include "server/operations/video/configurations.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"
#include "server/wire/validate.h"

namespace penstock::server::aws::video {
namespace {

// Its pattern lets words pass that are no qualities.
Status CheckQuality(const Json& quality) {
  if (quality.is_null()) return Status();
  const std::string_view text = quality.AsString();
  int value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure == std::errc() && end == text.data() + text.size() && value >= 1 && value <= 100)
    return Status();
  return Error(ErrorCode::kInvalidArgument, "JPEGQuality is a number from 1 to 100.");
}

constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"ImageGenerationConfiguration", &kImagesShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const store::StreamInfo info = call.stream->info;
  Json wanted = wire::KnownPart(kImagesShape, call.input["ImageGenerationConfiguration"]);
  if (!wanted.is_null()) {
    PS_CO_TRY_VOID(CheckStores(info));
    PS_CO_TRY_VOID(CheckQuality(wanted["FormatConfig"]["JPEGQuality"]));
  }
  PS_CO_TRY_VOID(
      co_await SaveAttachment(services.store, info, std::string(kImagesKind), std::move(wanted)));
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kUpdateImageGenerationConfiguration{"UpdateImageGenerationConfiguration",
                                                              "/updateImageGenerationConfiguration",
                                                              &kInput,
                                                              Resource::kStream,
                                                              Run,
                                                              kStoresNothingErrors};

}  // namespace penstock::server::aws::video
