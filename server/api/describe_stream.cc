#include "server/api/operations.h"
#include "server/api/stream_json.h"

namespace penstock::server {

Task<Outcome> DescribeStream(Services& services, Call call) {
  PS_CO_TRY(const OpenStream stream, FindStream(services, *call.stream));
  const auto publications = services.sources.GetStatus();
  const ingest::PublicationStatus* mine = nullptr;
  for (const auto& publication : publications) {
    if (publication.stream == stream.info.name) mine = &publication;
  }
  co_return JsonResponse(StreamToJson(stream.info, stream.shard->GetStatus(), mine));
}

}  // namespace penstock::server
