// What a stream may be told to do for others, as inputs say it. Kept beside the stream.
#pragma once

#include "server/api/services.h"
#include "server/operations/video/configuration_shapes.h"
#include "server/wire/errors.h"

namespace penstock::server::aws::video {

// Kinds of attachments of a stream (stream_info.h).
inline constexpr std::string_view kImagesKind = "images";
inline constexpr std::string_view kNotificationKind = "notification";
// How far notifications have come: {"ordinal": the first that was not looked at}.
inline constexpr std::string_view kNotifiedKind = "notified";

// kConflict for a stream of which nothing is stored: there would be nothing to do.
inline Status CheckStores(const store::StreamInfo& info) {
  if (info.retention_hours > 0) return Status();
  return Error(ErrorCode::kConflict, "The stream does not retain data.");
}
inline constexpr ErrorName kStoresNothingErrors[] = {
    {ErrorCode::kConflict, "NoDataRetentionException"},
};

}  // namespace penstock::server::aws::video
