#include "server/api/operations.h"
#include "server/api/stream_json.h"
#include "server/images/image_generator.h"
#include "server/notifications/notifier.h"

namespace penstock::server {
namespace {

// Where a camera is, and what it said when it was asked, is nothing for those who only watch.
void HideCamera(ingest::PublicationStatus& publication) {
  publication.from.clear();
  publication.status.reason.clear();
}

}  // namespace

Task<Outcome> DescribeStream(Services& services, Call call) {
  PS_CO_TRY(const OpenStream stream, FindStream(services, *call.stream));
  auto publications = services.sources.GetStatus();
  const ingest::PublicationStatus* mine = nullptr;
  for (auto& publication : publications) {
    if (publication.stream != stream.info.name) continue;
    if (call.caller.until) HideCamera(publication);
    mine = &publication;
  }
  Json out = StreamToJson(stream.info, stream.shard->GetStatus(), mine);
  out.Set("now", FormatRfc3339(services.clock.Now()));
  // Where notifications and images go is nothing for those who only watch.
  if (!call.caller.until && services.aws.notifier != nullptr)
    out.Set("notifications", NotificationsToJson(services.aws.notifier->GetStatus(stream.info)));
  if (!call.caller.until && services.aws.image_generator != nullptr)
    out.Set("images", ImagesToJson(services.aws.image_generator->GetStatus(stream.info.shard)));
  if (call.caller.until) out.Set("until", FormatRfc3339(*call.caller.until));
  co_return JsonResponse(out);
}

}  // namespace penstock::server
