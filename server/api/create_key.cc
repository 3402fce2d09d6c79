#include "server/api/key_json.h"
#include "server/api/operations.h"

namespace penstock::server {

Task<Outcome> CreateKey(Services& services, Call call) {
  std::vector<std::string_view> known = {"user", "role", "streams", "actions"};
  PS_CO_TRY(const Json input, co_await ReadObject(call, std::move(known)));
  const bool listed = !input["actions"].array().empty();
  PS_CO_TRY(const Role role, ParseRole(input["role"].AsString(listed ? "custom" : "viewer")));
  std::vector<std::string> streams;
  for (const Json& pattern : input["streams"].array()) streams.emplace_back(pattern.AsString());
  std::vector<std::string> actions;
  for (const Json& pattern : input["actions"].array()) actions.emplace_back(pattern.AsString());
  std::string user(input["user"].AsString());
  PS_CO_TRY(
      const AccessKey key,
      co_await services.keys.Create(std::move(user), role, std::move(streams), std::move(actions)));
  co_return JsonResponse(KeyToJson(key), 201);
}

}  // namespace penstock::server
