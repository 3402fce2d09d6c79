#include "server/operations/video/streaming_session.h"

#include <algorithm>

#include <fmt/format.h>

#include "server/operations/aws_context.h"
#include "server/operations/video/data_endpoint.h"
#include "server/wire/timestamp.h"

namespace penstock::server::aws::video {
namespace {

using playback::Session;

constexpr std::string_view kLive = "LIVE";
constexpr std::string_view kReplay = "LIVE_REPLAY";
constexpr std::string_view kOnDemand = "ON_DEMAND";
constexpr std::string_view kModes[] = {kLive, kReplay, kOnDemand};
// Both ends may be left out here.
constexpr Member kRangeMembers[] = {
    {"StartTimestamp", &kTimestampShape},
    {"EndTimestamp", &kTimestampShape},
};
constexpr Shape kRange{.kind = Kind::kStructure, .members = kRangeMembers};
constexpr Member kSelectorMembers[] = {
    {"FragmentSelectorType", &kTimeAxisShape},
    {"TimestampRange", &kRange},
};
constexpr std::string_view kAlwaysOrNever[] = {"ALWAYS", "NEVER"};

constexpr int64_t kExpiresDefault = 300;
constexpr int64_t kLiveEntries = 5;
constexpr int64_t kOnDemandEntries = 1000;
constexpr int64_t kRangeMaxUs = int64_t{24} * 3600 * 1'000'000;
// Of a live session's newest fragment.
constexpr std::chrono::seconds kLiveAgeMax{30};

Error Invalid(std::string words) { return Error(ErrorCode::kInvalidArgument, std::move(words)); }

Status ReadRange(const Json& range, ServerTime now, Session& play) {
  if (play.mode == Session::Mode::kLive) {
    if (range.is_null()) return Status();
    return Invalid("TimestampRange is not for PlaybackMode LIVE.");
  }
  const Json& start = range["StartTimestamp"];
  const Json& end = range["EndTimestamp"];
  if (start.is_null()) return Invalid("StartTimestamp has to be there for this PlaybackMode.");
  PS_TRY(play.from_us, wire::ParseTimestamp(start));
  if (end.is_null()) {
    if (play.mode == Session::Mode::kOnDemand)
      return Invalid("EndTimestamp has to be there for PlaybackMode ON_DEMAND.");
    return Status();
  }
  PS_TRY(play.to_us, wire::ParseTimestamp(end));
  if (play.to_us <= play.from_us) return Invalid("EndTimestamp has to be after StartTimestamp.");
  if (play.to_us - play.from_us > kRangeMaxUs)
    return Invalid("EndTimestamp has to be within 24 hours after StartTimestamp.");
  if (!play.by_producer && play.to_us > ToMs(now) * 1000)
    return Invalid("EndTimestamp has to be in the past.");
  return Status();
}

}  // namespace

constinit const Shape kPlaybackMode{.values = kModes};
constinit const Shape kSessionSelector{.kind = Kind::kStructure, .members = kSelectorMembers};
constinit const Shape kExpires{.kind = Kind::kInteger, .min = 300, .max = 43'200};
constinit const Shape kEntriesMax{.kind = Kind::kInteger, .min = 1, .max = 5000};
constinit const Shape kShown{.values = kAlwaysOrNever};

std::string MakeSessionToken(const KeyRing& keys, const StreamingSession& session) {
  const Session& play = session.play;
  Json json;
  json.Set("v", 1);
  json.Set("k", static_cast<int64_t>(session.protocol));
  json.Set("n", session.stream.text());
  json.Set("s", session.shard.ToString());
  json.Set("m", static_cast<int64_t>(play.mode));
  json.Set("p", play.by_producer);
  json.Set("f", play.from_us);
  if (play.to_us != Session::kNoEnd) json.Set("t", play.to_us);
  json.Set("c", play.all_discontinuities);
  json.Set("d", play.dates);
  if (play.transport) json.Set("u", true);
  json.Set("i", session.numbers);
  json.Set("x", int64_t{play.entries_max});
  json.Set("b", ToMs(play.begun));
  json.Set("e", ToMs(session.ends));
  return keys.session_tokens().Seal(json.Dump());
}

Result<StreamingSession> ReadSessionToken(const KeyRing& keys, std::string_view token,
                                          ServerTime now, StreamingSession::Protocol protocol) {
  const Error foreign(ErrorCode::kForbidden, "Streaming session token is not valid");
  const auto text = keys.session_tokens().Open(token);
  if (!text) return foreign;
  const auto json = Json::Parse(*text);
  if (!json.ok() || (*json)["v"].AsInt() != 1) return foreign;
  if ((*json)["k"].AsInt() != static_cast<int64_t>(protocol)) return foreign;
  const auto stream = StreamName::Parse((*json)["n"].AsString());
  const auto shard = ShardId::Parse((*json)["s"].AsString());
  if (!stream.ok() || !shard.ok()) return foreign;
  StreamingSession session{
      .protocol = protocol, .stream = *stream, .shard = *shard, .play = {}, .ends = {}};
  session.play.mode = static_cast<Session::Mode>((*json)["m"].AsInt());
  session.play.by_producer = (*json)["p"].AsBool();
  session.play.from_us = (*json)["f"].AsInt();
  session.play.to_us = (*json)["t"].AsInt(Session::kNoEnd);
  session.play.all_discontinuities = (*json)["c"].AsBool();
  session.play.dates = (*json)["d"].AsBool();
  session.play.transport = (*json)["u"].AsBool();
  session.numbers = (*json)["i"].AsBool();
  session.play.entries_max = static_cast<uint16_t>((*json)["x"].AsInt());
  session.play.begun = ServerTimeFromMs((*json)["b"].AsInt());
  session.ends = ServerTimeFromMs((*json)["e"].AsInt());
  if (now >= session.ends)
    return Error(ErrorCode::kForbidden, "Streaming session token is expired");
  return session;
}

Result<StreamingSession> SessionFromInput(const Call& call, const SessionMembers& members,
                                          ServerTime now) {
  const Json& input = call.input;
  StreamingSession session{.protocol = members.protocol,
                           .stream = call.stream->info.name,
                           .shard = call.stream->info.shard,
                           .play = {},
                           .ends = {}};
  const std::string_view mode = input["PlaybackMode"].AsString();
  Session& play = session.play;
  if (mode == kReplay) play.mode = Session::Mode::kReplay;
  if (mode == kOnDemand) play.mode = Session::Mode::kOnDemand;
  const Json& selector = input[members.selector];
  play.by_producer = selector["FragmentSelectorType"].AsString() == kByProducerTime;
  PS_TRY_VOID(ReadRange(selector["TimestampRange"], now, play));
  play.begun = now;
  const bool whole = play.mode == Session::Mode::kOnDemand;
  play.entries_max = static_cast<uint16_t>(
      input[members.entries_max].AsInt(whole ? kOnDemandEntries : kLiveEntries));
  session.ends = now + std::chrono::seconds(input["Expires"].AsInt(kExpiresDefault));
  return session;
}

Task<Status> CheckSession(Services& services, StreamingSession session) {
  PS_CO_TRY(const OpenStream stream, FindStream(services, session.stream));
  if (stream.info.retention_hours == 0)
    co_return Error(ErrorCode::kConflict, "Data retention is not enabled for the stream.");
  const store::ShardStatus status = stream.shard->GetStatus();
  if (session.play.mode == Session::Mode::kLive &&
      (!status.newest || services.clock.Now() - status.newest->server_time > kLiveAgeMax)) {
    co_return Error(ErrorCode::kNotFound,
                    "No fragments were received for the stream within the last 30 seconds.");
  }
  const auto variant = co_await services.hls.DescribeSession(session.stream, session.play);
  if (!variant.ok()) co_return variant.error();
  co_return Status();
}

std::string SessionUrl(const Services& services, const Call& call, std::string_view folder,
                       std::string_view file, const StreamingSession& session) {
  return fmt::format("{}{}{}?SessionToken={}", DataEndpoint(services.aws, call.host, call.over_tls),
                     folder, file, MakeSessionToken(services.keys, session));
}

}  // namespace penstock::server::aws::video
