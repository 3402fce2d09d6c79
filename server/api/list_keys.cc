#include "server/api/key_json.h"
#include "server/api/operations.h"

namespace penstock::server {

Json KeyToJson(const AccessKey& key) {
  Json streams = Json(Json::Array());
  for (const std::string& pattern : key.streams) streams.Push(pattern);
  Json json;
  json.Set("user", key.user);
  json.Set("role", RoleName(key.role));
  json.Set("streams", std::move(streams));
  if (!key.actions.empty()) {
    Json actions = Json(Json::Array());
    for (const std::string& pattern : key.actions) actions.Push(pattern);
    json.Set("actions", std::move(actions));
  }
  json.Set("created", FormatRfc3339(key.created));
  if (key.expires) json.Set("expires", FormatRfc3339(*key.expires));
  if (!key.secret.empty()) json.Set("secret", key.secret);
  return json;
}

Task<Outcome> ListKeys(Services& services, Call) {
  Json list = Json(Json::Array());
  for (const AccessKey& key : services.keys.List()) list.Push(KeyToJson(key));
  Json out;
  out.Set("keys", std::move(list));
  co_return JsonResponse(out);
}

}  // namespace penstock::server
