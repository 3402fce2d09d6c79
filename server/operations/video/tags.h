// Tags of streams and channels: what inputs may say, and the bound they share.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "server/operations/video/tag_shapes.h"
#include "server/wire/errors.h"

namespace penstock::server::aws::video {

inline constexpr ErrorName kTagErrors[] = {
    {ErrorCode::kTooLarge, "TagsPerResourceExceededLimitException"},
};

// A list of {Key, Value} as an object; the last of a key counts.
Json TagsOfList(const Json& list);

// `tags` (an object or null) with those of `more` (an object) added or replaced; kTooLarge beyond
// kTagsMax.
Result<Json> AddTags(Json tags, const Json& more);
// Without those named in `keys`, a list. Keys that are not there are ignored.
Json RemoveTags(const Json& tags, const Json& keys);

// What lists of tags answer: all of them at once. kInvalidArgument for a NextToken, which we have
// given to nobody.
Result<Json> TagsAnswer(const Json& tags, const Json& input);

}  // namespace penstock::server::aws::video
