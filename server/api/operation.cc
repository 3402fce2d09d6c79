#include "server/api/operation.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "server/config/suggest.h"
#include "server/config/units.h"

namespace penstock::server {
namespace {

// Requests of this API are a handful of short fields.
constexpr size_t kJsonBodyBytesMax = 64 * 1024;

Error Invalid(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

Error UnknownName(std::string_view what, std::string_view name,
                  const std::vector<std::string_view>& known) {
  const std::string_view meant = Nearest(name, known);
  if (!meant.empty()) {
    return Invalid(fmt::format("there is no {} '{}'; did you mean '{}'?", what, name, meant));
  }
  return Invalid(
      fmt::format("there is no {} '{}'; known are: {}", what, name, fmt::join(known, ", ")));
}

bool Contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

net::HttpResponse JsonResponse(const Json& json, int status) {
  net::HttpResponse response(status, "application/json", json.Dump() + "\n");
  response.headers.Set("Cache-Control", "no-store");
  response.headers.Set("Penstock-Compress", "yes");
  return response;
}

Task<Result<Json>> ReadObject(Call& call, std::vector<std::string_view> known) {
  PS_CO_TRY(const std::string text, co_await net::ReadAll(call.request.body, kJsonBodyBytesMax));
  PS_CO_TRY(Json json, Json::Parse(text));
  if (!json.is_object()) co_return Invalid("the body has to be a JSON object");
  for (const auto& [name, value] : json.object()) {
    if (!Contains(known, name)) co_return UnknownName("member", name, known);
  }
  co_return json;
}

Status CheckQuery(const net::HttpRequest& request, std::vector<std::string_view> known) {
  for (const auto& [name, value] : request.query) {
    if (name != "key" && !Contains(known, name)) return UnknownName("parameter", name, known);
  }
  return Status();
}

Result<std::optional<ServerTime>> QueryTime(const net::HttpRequest& request,
                                            std::string_view name) {
  const std::string_view text = request.QueryValue(name);
  if (text.empty()) return std::optional<ServerTime>();
  auto time = ParseTime(text);
  if (!time.ok()) return std::move(time).error().With(name);
  return std::optional<ServerTime>(*time);
}

Result<uint64_t> QueryCount(const net::HttpRequest& request, std::string_view name,
                            uint64_t fallback, uint64_t most) {
  const std::string_view text = request.QueryValue(name);
  if (text.empty()) return fallback;
  auto count = ParseCount(text);
  if (!count.ok() || *count == 0 || *count > most) {
    return Invalid(fmt::format("{}: a whole number from 1 to {} is wanted", name, most));
  }
  return count;
}

Result<OpenStream> FindStream(Services& services, const StreamName& name) {
  const auto info = services.store.GetStream(name);
  if (!info) return Error(ErrorCode::kNotFound, fmt::format("there is no stream {}", name.text()));
  OpenStream found{*info, services.store.OpenShard(info->shard)};
  // Deleted between the two lines.
  if (!found.shard)
    return Error(ErrorCode::kNotFound, fmt::format("there is no stream {}", name.text()));
  return found;
}

Result<uint32_t> RetentionFromJson(const Json& json) {
  if (!json.is_int() || json.AsInt() < 0 || json.AsInt() > int64_t{limits::kRetentionHoursMax}) {
    return Invalid(fmt::format("retention_hours: a whole number from 0 (live only) to {} is wanted",
                               limits::kRetentionHoursMax));
  }
  return static_cast<uint32_t>(json.AsInt());
}

Result<uint64_t> MaxBytesFromJson(const Json& json) {
  const auto least = static_cast<int64_t>(limits::kFragmentBytesMax);
  if (!json.is_int() || (json.AsInt() != 0 && json.AsInt() < least)) {
    return Invalid(
        fmt::format("max_bytes: 0 (no limit) or a whole number from {} on is wanted", least));
  }
  return static_cast<uint64_t>(json.AsInt());
}

}  // namespace penstock::server
