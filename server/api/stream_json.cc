#include "server/api/stream_json.h"

#include <fmt/format.h>

#include "server/images/image_generator.h"
#include "server/notifications/notifier.h"
#include "store/asked_flags.h"

namespace penstock::server {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

Json TracksToJson(const std::vector<ingest::TrackStatus>& tracks) {
  Json out = Json(Json::Array());
  for (const ingest::TrackStatus& track : tracks) {
    Json json;
    json.Set("number", track.number);
    json.Set("description", track.description);
    json.Set("units", track.units);
    json.Set("bytes", track.bytes);
    json.Set("packets_lost", track.packets_lost);
    json.Set("silent_ms", track.silent_ms < 0 ? Json() : Json(track.silent_ms));
    out.Push(std::move(json));
  }
  return out;
}

Json FlagsToJson(uint32_t flags) {
  constexpr std::pair<uint32_t, std::string_view> kNames[] = {
      {store::kFlagDamaged, "damaged"},
      {store::kFlagNoKeyframe, "no-keyframe"},
      {store::kFlagClockJump, "clock-jump"},
      {store::kFlagProducerTimeSane, "producer-time"},
      {store::kFlagStartsRun, "starts-run"},
      {store::kFlagDropped, "dropped"},
      {store::kFlagAsksNotification, "asks-notification"},
  };
  Json out = Json(Json::Array());
  for (const auto& [bit, name] : kNames) {
    if ((flags & bit) != 0) out.Push(name);
  }
  return out;
}

std::string_view KindName(store::ItemKind kind) {
  switch (kind) {
    case store::ItemKind::kFragment:
      return "fragment";
    case store::ItemKind::kRecord:
      return "record";
    case store::ItemKind::kGap:
      return "gap";
    case store::ItemKind::kAbandoned:
      return "abandoned";
    case store::ItemKind::kTrackSet:
      return "track-set";
  }
  return "unknown";
}

// What is being tried again, and why.
template <typename Status>
void SetTries(const Status& status, Json& json) {
  const auto time_or_null = [](const std::optional<ServerTime>& time) {
    return time ? Json(FormatRfc3339(*time)) : Json();
  };
  json.Set("waiting_since", time_or_null(status.waiting_since));
  json.Set("failed_tries", status.failed_tries);
  json.Set("last_error", status.last_error.empty() ? Json() : Json(status.last_error));
  json.Set("last_error_time", time_or_null(status.last_error_time));
}

}  // namespace

Json PublicationToJson(const ingest::PublicationStatus& publication) {
  Json json;
  json.Set("stream", publication.stream.text());
  json.Set("kind", publication.kind);
  json.Set("from", publication.from);
  json.Set("state", ingest::SourceStateName(publication.status.state));
  json.Set("reason", publication.status.reason);
  json.Set("since", FormatRfc3339(publication.since));
  json.Set("tracks", TracksToJson(publication.tracks));
  json.Set("fragments_stored", publication.fragments_stored);
  json.Set("fragments_dropped", publication.fragments_dropped);
  json.Set("bits_per_second", publication.bits_per_second);
  return json;
}

Json StreamToJson(const store::StreamInfo& info, const store::ShardStatus& status,
                  const ingest::PublicationStatus* publication) {
  Json json;
  json.Set("name", info.name.text());
  json.Set("retention_hours", info.retention_hours);
  json.Set("max_bytes", info.max_bytes);
  json.Set("created", FormatRfc3339(info.created));
  json.Set("items", status.items);
  json.Set("bytes", status.body_bytes);
  uint64_t held_items = 0;
  uint64_t held_bytes = 0;
  for (const store::HeldStretch& held : status.held) {
    held_items += held.items;
    held_bytes += held.body_bytes;
  }
  // What only holds keep comes on top, and is older than `oldest`.
  json.Set("held_items", held_items);
  json.Set("held_bytes", held_bytes);
  json.Set("oldest", status.oldest ? Json(FormatRfc3339(status.oldest->server_time)) : Json());
  // The end of the newest, so that oldest..newest is the span one can ask for.
  json.Set("newest", status.newest
                         ? Json(FormatRfc3339(status.newest->server_time +
                                              duration_cast<milliseconds>(status.newest->duration)))
                         : Json());
  json.Set("next_ordinal", status.next_ordinal);
  if (publication != nullptr) {
    json.Set("publication", PublicationToJson(*publication));
    json.Set("state", ingest::SourceStateName(publication->status.state));
    json.Set("reason", publication->status.reason);
  } else {
    json.Set("publication", Json());
    json.Set("state", ingest::SourceStateName(ingest::SourceState::kIdle));
    json.Set("reason", "nobody publishes it");
  }
  return json;
}

Json NotificationsToJson(const std::optional<notifications::NotificationStatus>& status) {
  if (!status) return Json();
  Json json;
  json.Set("webhook", status->webhook);
  if (!status->webhook) {
    json.Set("last_error", "nothing is delivered to what is not an http:// or https:// URL");
    return json;
  }
  json.Set("delivered", status->delivered);
  json.Set("refused", status->refused);
  json.Set("expired", status->expired);
  json.Set("lost", status->lost);
  SetTries(*status, json);
  return json;
}

Json ImagesToJson(const std::optional<images::ImageStatus>& status) {
  if (!status) return Json();
  Json json;
  if (!status->nowhere.empty()) {
    json.Set("last_error", status->nowhere);
    return json;
  }
  json.Set("delivered", status->delivery.delivered);
  json.Set("undelivered", status->delivery.undelivered);
  SetTries(status->delivery, json);
  return json;
}

Json ItemToJson(const store::ItemHeader& item) {
  Json json;
  json.Set("kind", KindName(item.kind));
  json.Set("number", item.number.ToString());
  json.Set("ordinal", item.ordinal);
  json.Set("start", FormatRfc3339(item.server_time));
  json.Set("producer_start", FormatRfc3339(item.producer_time));
  json.Set("duration_ms", duration_cast<milliseconds>(item.duration).count());
  json.Set("bytes", item.body_bytes);
  json.Set("run", item.run);
  json.Set("flags", FlagsToJson(item.flags));
  const bool dropped = (item.flags & store::kFlagDropped) != 0;
  if (item.gap_reason != store::GapReason::kNone) {
    const bool is_before = item.kind == store::ItemKind::kFragment && !dropped;
    json.Set(is_before ? "gap_before" : "gap_reason", store::GapReasonName(item.gap_reason));
  }
  return json;
}

}  // namespace penstock::server
