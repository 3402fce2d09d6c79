// What a notification says of a fragment. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "store/shard.h"

namespace penstock::server::notifications {

// The names and values that came in the same Tag as AWS_KINESISVIDEO_NOTIFICATION, in their order,
// as an object; nothing if no Tag has that one. `body` is an item's, `meta` its frame table. An
// error: they are not what is stored of a fragment.
Result<std::optional<Json>> NotificationTags(const ByteChain& body, ByteSpan meta);

// The JSON text that is sent, in the words of Kinesis Video Streams. Times in milliseconds.
std::string NotificationPayload(std::string_view stream_arn, const store::ItemHeader& item,
                                Json tags);

}  // namespace penstock::server::notifications
