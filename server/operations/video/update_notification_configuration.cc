// None takes it away. What an ARN names is kept and shown, and gets nothing (docs/aws-api.md).
#include "server/notifications/notifier.h"
#include "server/operations/video/configurations.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/stream_info.h"
#include "server/wire/validate.h"

namespace penstock::server::aws::video {
namespace {

constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"NotificationConfiguration", &kNotificationShape},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const store::StreamInfo info = call.stream->info;
  Json wanted = wire::KnownPart(kNotificationShape, call.input["NotificationConfiguration"]);
  notifications::Notifier* const notifier = services.aws.notifier;
  if (!wanted.is_null()) {
    PS_CO_TRY_VOID(CheckStores(info));
    if (notifier != nullptr) PS_CO_TRY_VOID(notifier->Check(wanted));
  }
  const Json before = LoadAttachment(services.store.catalog(), info.shard, kNotificationKind);
  const bool begins =
      wanted["Status"].AsString() == kEnabled && before["Status"].AsString() != kEnabled;
  if (begins && notifier != nullptr) PS_CO_TRY_VOID(co_await notifier->BeginHere(info));
  PS_CO_TRY_VOID(co_await SaveAttachment(services.store, info, std::string(kNotificationKind),
                                         std::move(wanted)));
  if (notifier != nullptr) notifier->Look(info);
  co_return wire::JsonAnswer(Json());
}

}  // namespace

constinit const Operation kUpdateNotificationConfiguration{"UpdateNotificationConfiguration",
                                                           "/updateNotificationConfiguration",
                                                           &kInput,
                                                           Resource::kStream,
                                                           Run,
                                                           kStoresNothingErrors};

}  // namespace penstock::server::aws::video
