// Kept, and acted on by images::ImageGenerator; none takes it away.
#include "server/images/destinations.h"
#include "server/operations/video/configurations.h"
#include "server/operations/video/image_settings.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"
#include "server/wire/validate.h"

namespace penstock::server::aws::video {
namespace {

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
    PS_CO_TRY_VOID(ReadImageForm(wanted));
    PS_CO_TRY_VOID(images::CheckPlace(wanted["DestinationConfig"]["Uri"].AsString(),
                                      services.aws.images_directory));
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
