// Where media is sent to and read from: the same server.
#include <fmt/format.h>

#include "server/operations/video/data_endpoint.h"
#include "server/operations/video/operations.h"
#include "server/operations/video/shapes.h"

namespace penstock::server::aws::video {
namespace {

constexpr std::string_view kApis[] = {"PUT_MEDIA",
                                      "GET_MEDIA",
                                      "LIST_FRAGMENTS",
                                      "GET_MEDIA_FOR_FRAGMENT_LIST",
                                      "GET_HLS_STREAMING_SESSION_URL",
                                      "GET_DASH_STREAMING_SESSION_URL",
                                      "GET_CLIP",
                                      "GET_IMAGES"};
constexpr Shape kApi{.values = kApis};
constexpr Member kMembers[] = {
    {"StreamName", &kStreamNameShape},
    {"StreamARN", &kStreamArnShape},
    {"APIName", &kApi, true},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  Json out;
  out.Set("DataEndpoint", DataEndpoint(services.aws, call.host, call.over_tls));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kGetDataEndpoint{"GetDataEndpoint", "/getDataEndpoint", &kInput,
                                           Resource::kStream, Run};

}  // namespace penstock::server::aws::video
