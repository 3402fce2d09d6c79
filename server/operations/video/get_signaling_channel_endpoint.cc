// Where signaling is spoken: the same server. A role has no host of its own.
#include <algorithm>

#include "server/operations/video/channel_shapes.h"
#include "server/operations/video/data_endpoint.h"
#include "server/operations/video/media_storage.h"
#include "server/operations/video/operations.h"

namespace penstock::server::aws::video {
namespace {

constexpr std::string_view kProtocols[] = {"WSS", "HTTPS", "WEBRTC"};
constexpr Shape kProtocol{.values = kProtocols};
constexpr Shape kProtocolList{.kind = Kind::kList, .min = 1, .max = 5, .element = &kProtocol};
constexpr std::string_view kRoles[] = {"MASTER", "VIEWER"};
constexpr Shape kRole{.values = kRoles};
constexpr Member kConfigurationMembers[] = {
    {"Protocols", &kProtocolList},
    {"Role", &kRole},
};
constexpr Shape kConfiguration{.kind = Kind::kStructure, .members = kConfigurationMembers};

constexpr Member kMembers[] = {
    {"ChannelARN", &kStreamArnShape, true},
    {"SingleMasterChannelEndpointConfiguration", &kConfiguration},
};
constexpr Shape kInput{.kind = Kind::kStructure, .members = kMembers};

Task<Outcome> Run(Services& services, Call call) {
  const Json& wanted = call.input["SingleMasterChannelEndpointConfiguration"]["Protocols"];
  std::vector<std::string> protocols;
  for (const Json& protocol : wanted.array()) {
    const std::string_view name = protocol.AsString();
    if (std::find(protocols.begin(), protocols.end(), name) == protocols.end())
      protocols.emplace_back(name);
  }
  if (protocols.empty()) protocols.assign({"WSS", "HTTPS"});
  const std::string base = DataEndpoint(services.aws, call.host, call.over_tls);
  Json list = Json(Json::Array());
  for (const std::string& protocol : protocols) {
    if (protocol == "WEBRTC" && !StorageOf(services, *call.channel)) {
      co_return Error(ErrorCode::kInvalidArgument,
                      "The channel does not store media: it has no endpoint for WEBRTC.");
    }
    Json item;
    item.Set("Protocol", protocol);
    item.Set("ResourceEndpoint", protocol == "WSS" ? WebSocketEndpoint(base) : base);
    list.Push(std::move(item));
  }
  Json out;
  out.Set("ResourceEndpointList", std::move(list));
  co_return wire::JsonAnswer(out);
}

}  // namespace

constinit const Operation kGetSignalingChannelEndpoint{"GetSignalingChannelEndpoint",
                                                       "/getSignalingChannelEndpoint", &kInput,
                                                       Resource::kChannel, Run};

}  // namespace penstock::server::aws::video
