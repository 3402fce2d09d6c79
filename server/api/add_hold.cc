#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "server/api/hold_json.h"
#include "server/api/operations.h"

namespace penstock::server {
namespace {

// As in queries: RFC 3339, or epoch milliseconds, which may be a number here.
Result<ServerTime> TimeFromJson(const Json& input, std::string_view name) {
  const Json& json = input[name];
  if (json.is_null())
    return Error(ErrorCode::kInvalidArgument, fmt::format("{}: a time is wanted", name));
  auto time = ParseTime(json.is_int() ? std::to_string(json.AsInt()) : json.AsString());
  if (!time.ok()) return std::move(time).error().With(name);
  return time;
}

// It is shown in tables and terminals.
Result<std::string> NoteFromJson(const Json& json) {
  std::string note(json.AsString());
  const bool plain = std::all_of(note.begin(), note.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f;
  });
  if (plain && (json.is_null() || json.is_string())) return note;
  return Error(ErrorCode::kInvalidArgument, "note: one line of text is wanted");
}

}  // namespace

Task<Outcome> AddHold(Services& services, Call call) {
  std::vector<std::string_view> known = {"start", "end", "note"};
  PS_CO_TRY(const Json input, co_await ReadObject(call, std::move(known)));
  PS_CO_TRY(const ServerTime start, TimeFromJson(input, "start"));
  PS_CO_TRY(const ServerTime end, TimeFromJson(input, "end"));
  PS_CO_TRY(std::string note, NoteFromJson(input["note"]));
  store::NewHold wanted{*call.stream, start, end, std::move(note)};
  PS_CO_TRY(const store::Hold hold, co_await services.store.AddHold(std::move(wanted)));
  log::Write(log::kInfo, "hold made",
             {{"stream", hold.stream.text()},
              {"hold", hold.id},
              {"key", call.caller.name},
              {"from", FormatRfc3339(hold.start)},
              {"until", FormatRfc3339(hold.end)}});
  co_return JsonResponse(HoldToJson(hold), 201);
}

}  // namespace penstock::server
