#include "server/operations/video/tags.h"

#include <algorithm>

namespace penstock::server::aws::video {

Json TagsOfList(const Json& list) {
  // Bounded by the body's size, so the linear search of Set has to be kept off long lists.
  const size_t count = std::min(list.array().size(), kTagsMax + 1);
  Json out = Json(Json::Object());
  for (size_t i = 0; i < count; ++i) {
    const Json& tag = list.array()[i];
    out.Set(tag["Key"].AsString(), tag["Value"]);
  }
  return out;
}

Result<Json> AddTags(Json tags, const Json& more) {
  const Error too_many(ErrorCode::kTooLarge, "A resource has at most 50 tags.");
  if (more.object().size() > kTagsMax) return too_many;
  for (const auto& [key, value] : more.object()) tags.Set(key, value);
  if (tags.object().size() > kTagsMax) return too_many;
  return tags;
}

Json RemoveTags(const Json& tags, const Json& keys) {
  Json out = Json(Json::Object());
  for (const auto& [key, value] : tags.object()) {
    const auto& list = keys.array();
    const bool named = std::any_of(list.begin(), list.end(), [&name = key](const Json& wanted) {
      return wanted.AsString() == name;
    });
    if (!named) out.Set(key, value);
  }
  return out;
}

Result<Json> TagsAnswer(const Json& tags, const Json& input) {
  if (!input["NextToken"].AsString().empty())
    return Error(ErrorCode::kInvalidArgument, "NextToken is not one of this list.");
  Json out;
  out.Set("NextToken", Json());
  out.Set("Tags", tags.is_null() ? Json(Json::Object()) : tags);
  return out;
}

}  // namespace penstock::server::aws::video
