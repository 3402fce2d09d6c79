#include <fmt/format.h>

#include "server/api/key_json.h"
#include "server/api/operations.h"

namespace penstock::server {
namespace {

// Not there: a key without an end.
Result<std::optional<std::chrono::seconds>> LifetimeOf(const Json& json) {
  if (json.is_null()) return std::optional<std::chrono::seconds>();
  if (json.is_int() && json.AsInt() >= kSessionTimeMin.count() &&
      json.AsInt() <= kSessionTimeMax.count())
    return std::optional<std::chrono::seconds>(json.AsInt());
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("session_seconds: a whole number from {} to {} is wanted",
                           kSessionTimeMin.count(), kSessionTimeMax.count()));
}

}  // namespace

Task<Outcome> CreateKey(Services& services, Call call) {
  std::vector<std::string_view> known = {"user", "role", "streams", "actions", "session_seconds"};
  PS_CO_TRY(const Json input, co_await ReadObject(call, std::move(known)));
  const bool listed = !input["actions"].array().empty();
  PS_CO_TRY(const Role role, ParseRole(input["role"].AsString(listed ? "custom" : "viewer")));
  std::vector<std::string> streams;
  for (const Json& pattern : input["streams"].array()) streams.emplace_back(pattern.AsString());
  std::vector<std::string> actions;
  for (const Json& pattern : input["actions"].array()) actions.emplace_back(pattern.AsString());
  std::string user(input["user"].AsString());
  PS_CO_TRY(const auto lasts, LifetimeOf(input["session_seconds"]));
  PS_CO_TRY(const AccessKey key,
            co_await services.keys.Create(std::move(user), role, std::move(streams),
                                          std::move(actions), lasts));
  Json json = KeyToJson(key);
  if (key.expires) json.Set("session_token", services.keys.TokenOf(key));
  co_return JsonResponse(json, 201);
}

}  // namespace penstock::server
