// Streams, publications and items as JSON: the words of the API, in one place.
#pragma once

#include <optional>

#include "base/json.h"
#include "ingest/sources.h"
#include "store/store.h"

namespace penstock::server {

namespace images {
struct ImageStatus;
}
namespace notifications {
struct NotificationStatus;
}

Json PublicationToJson(const ingest::PublicationStatus& publication);
// `publication` may be null: nobody has published it since the start.
Json StreamToJson(const store::StreamInfo& info, const store::ShardStatus& status,
                  const ingest::PublicationStatus* publication);
// Null without notifications; without a webhook, it says so.
Json NotificationsToJson(const std::optional<notifications::NotificationStatus>& status);
// Null without image generation; if nothing is delivered to where images should go, it says why.
Json ImagesToJson(const std::optional<images::ImageStatus>& status);
Json ItemToJson(const store::ItemHeader& item);

}  // namespace penstock::server
