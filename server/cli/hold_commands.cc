#include <fmt/format.h>

#include "net/http/target.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/table.h"

namespace penstock::server {
namespace {

std::string Text(const Json& json) { return std::string(json.AsString()); }

std::string PathOf(const std::string& stream) {
  return fmt::format("/api/v1/streams/{}/holds", net::PercentEncode(stream));
}

Result<std::string> TimeFlag(const Args& args, std::string_view name) {
  const auto text = args.Flag(name);
  if (!text) return Error(ErrorCode::kInvalidArgument, fmt::format("{} is wanted", name));
  auto time = TimeForQuery(*text, SystemClock().Now());
  if (!time.ok()) return std::move(time).error().With(name);
  return time;
}

Result<Json> NewHold(const Args& args) {
  Json body;
  PS_TRY(const std::string start, TimeFlag(args, "--start"));
  PS_TRY(const std::string end, TimeFlag(args, "--end"));
  body.Set("start", start);
  body.Set("end", end);
  if (const auto note = args.Flag("--note")) body.Set("note", *note);
  return body;
}

}  // namespace

int RunHoldAdd(const Args& args) {
  const std::string& stream = args.positional()[0];
  const auto body = NewHold(args);
  if (!body.ok()) return Fail(body.error());
  const auto answer = Client(args).Call("POST", PathOf(stream), *body);
  if (!answer.ok()) return Fail(answer.error());
  const Json& hold = *answer;
  std::string text = fmt::format("hold {}: {} keeps what is of {} to {}\n", Text(hold["id"]),
                                 stream, Text(hold["start"]), Text(hold["end"]));
  if (!hold["gone_before"].is_null())
    text += fmt::format("what was before {} had gone, all of it or in part\n",
                        Text(hold["gone_before"]));
  return Print(args, hold, text);
}

int RunHoldList(const Args& args) {
  const std::string path =
      args.positional().empty() ? "/api/v1/holds" : PathOf(args.positional()[0]);
  const auto answer = Client(args).Call("GET", path);
  if (!answer.ok()) return Fail(answer.error());
  std::vector<std::vector<std::string>> rows = {
      {"ID", "STREAM", "START", "END", "CREATED", "NOTE"}};
  for (const Json& hold : (*answer)["holds"].array()) {
    rows.push_back({Text(hold["id"]), Text(hold["stream"]), Text(hold["start"]), Text(hold["end"]),
                    Text(hold["created"]), Text(hold["note"])});
  }
  return Print(args, *answer, rows.size() > 1 ? FormatTable(rows) : "no holds\n");
}

int RunHoldRelease(const Args& args) {
  const std::string& id = args.positional()[1];
  const auto answer = Client(args).Call(
      "DELETE", fmt::format("{}/{}", PathOf(args.positional()[0]), net::PercentEncode(id)));
  if (!answer.ok()) return Fail(answer.error());
  return Print(args, *answer, fmt::format("released {}\n", id));
}

}  // namespace penstock::server
