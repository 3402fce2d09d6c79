#include <fmt/format.h>

#include "net/http/target.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/table.h"
#include "server/config/units.h"

namespace penstock::server {
namespace {

std::string Text(const Json& json, std::string_view fallback = "-") {
  return std::string(json.AsString(fallback));
}

std::string Path(const Args& args) {
  return "/api/v1/streams/" + net::PercentEncode(args.positional()[0]);
}

std::string Hours(int64_t hours) {
  if (hours == 0) return "live only";
  return hours % 24 == 0 ? fmt::format("{} d", hours / 24) : fmt::format("{} h", hours);
}

// "7 d", "7 d, at most 200 GB".
std::string Keeps(const Json& stream) {
  const int64_t max_bytes = stream["max_bytes"].AsInt();
  const std::string hours = Hours(stream["retention_hours"].AsInt());
  if (max_bytes == 0) return hours;
  return fmt::format("{}, at most {}", hours, FormatByteSize(static_cast<uint64_t>(max_bytes)));
}

// What only holds keep.
std::string Held(const Json& stream) {
  const int64_t bytes = stream["held_bytes"].AsInt();
  return bytes == 0 ? "-" : FormatByteSize(static_cast<uint64_t>(bytes));
}

Result<int64_t> ParseHours(std::string_view text) {
  PS_TRY(const auto duration, ParseDuration(text));
  if (duration % std::chrono::hours(1) != std::chrono::milliseconds(0)) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("{} is not a whole number of hours", text));
  }
  return duration / std::chrono::hours(1);
}

}  // namespace

int RunStreamList(const Args& args) {
  const auto answer = Client(args).Call("GET", "/api/v1/streams");
  if (!answer.ok()) return Fail(answer.error());
  std::vector<std::vector<std::string>> rows = {
      {"STREAM", "STATE", "KEEPS", "STORED", "HELD", "ITEMS", "OLDEST", "NEWEST", "REASON"}};
  for (const Json& stream : (*answer)["streams"].array()) {
    rows.push_back({Text(stream["name"]), Text(stream["state"]), Keeps(stream),
                    FormatByteSize(static_cast<uint64_t>(stream["bytes"].AsInt())), Held(stream),
                    std::to_string(stream["items"].AsInt()), Text(stream["oldest"]),
                    Text(stream["newest"]), Text(stream["reason"], "")});
  }
  return Print(args, *answer,
               rows.size() > 1
                   ? FormatTable(rows)
                   : "no streams; publish one, or add a camera with `penstock source add`\n");
}

int RunStreamCreate(const Args& args) {
  Json body;
  body.Set("name", args.positional()[0]);
  if (const auto retention = args.Flag("--retention")) {
    const auto hours = ParseHours(*retention);
    if (!hours.ok()) return Fail(hours.error());
    body.Set("retention_hours", *hours);
  }
  const auto answer = Client(args).Call("POST", "/api/v1/streams", body);
  if (!answer.ok()) return Fail(answer.error());
  return Print(args, *answer,
               fmt::format("created {}, which keeps {}\n", args.positional()[0],
                           Hours((*answer)["retention_hours"].AsInt())));
}

int RunStreamDelete(const Args& args) {
  if (!args.Switch("--yes")) {
    return Fail(
        Error(ErrorCode::kInvalidArgument,
              fmt::format("this deletes {} and everything stored of it; say --yes if that is meant",
                          args.positional()[0])));
  }
  const auto answer = Client(args).Call("DELETE", Path(args));
  if (!answer.ok()) return Fail(answer.error());
  return Print(args, *answer, fmt::format("deleted {}\n", args.positional()[0]));
}

int RunStreamRetention(const Args& args) {
  if (args.positional().size() < 2 && !args.Flag("--max-bytes")) {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      "how long (24h, 7d) or how much (--max-bytes 200GB) is wanted"));
  }
  Json body;
  if (args.positional().size() > 1) {
    const auto hours = ParseHours(args.positional()[1]);
    if (!hours.ok()) return Fail(hours.error());
    body.Set("retention_hours", *hours);
  }
  if (const auto size = args.Flag("--max-bytes")) {
    const auto bytes = ParseByteSize(*size);
    if (!bytes.ok()) return Fail(bytes.error());
    body.Set("max_bytes", *bytes);
  }
  const auto answer = Client(args).Call("PATCH", Path(args), body);
  if (!answer.ok()) return Fail(answer.error());
  return Print(args, *answer, fmt::format("{} keeps {}\n", args.positional()[0], Keeps(*answer)));
}

}  // namespace penstock::server
