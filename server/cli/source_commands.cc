#include <fmt/format.h>

#include "net/http/target.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/table.h"

namespace penstock::server {
namespace {

std::string Text(const Json& json) { return std::string(json.AsString()); }

std::string Tracks(const Json& publication) {
  std::string out;
  for (const Json& track : publication["tracks"].array()) {
    if (!out.empty()) out += ", ";
    out += track["description"].AsString();
  }
  return out.empty() ? "-" : out;
}

std::string Since(const Json& publication) {
  const auto since = ParseTime(publication["since"].AsString());
  return since.ok() ? FormatSpan((SystemClock().Now() - *since).count()) : "-";
}

}  // namespace

int RunSourceAdd(const Args& args) {
  Json body;
  body.Set("name", args.positional()[0]);
  body.Set("url", args.positional()[1]);
  if (const auto transport = args.Flag("--transport")) body.Set("transport", *transport);
  if (const auto print = args.Flag("--tls-fingerprint")) body.Set("tls_fingerprint", *print);
  const auto answer = Client(args).Call("POST", "/api/v1/sources", body);
  if (!answer.ok()) return Fail(answer.error());
  return Print(
      args, *answer,
      fmt::format("added {} ({}); `penstock source status {}` says how it is\n",
                  args.positional()[0], (*answer)["url"].AsString(), args.positional()[0]));
}

int RunSourceList(const Args& args) {
  const auto answer = Client(args).Call("GET", "/api/v1/sources");
  if (!answer.ok()) return Fail(answer.error());
  std::vector<std::vector<std::string>> rows = {{"NAME", "URL", "TRANSPORT", "FROM"}};
  for (const Json& source : (*answer)["sources"].array()) {
    rows.push_back({Text(source["name"]), Text(source["url"]), Text(source["transport"]),
                    source["declarative"].AsBool() ? "configuration file" : "penstock source add"});
  }
  Json json;
  json.Set("sources", (*answer)["sources"]);
  return Print(
      args, json,
      rows.size() > 1 ? FormatTable(rows) : "no sources; add one with `penstock source add`\n");
}

int RunSourceRemove(const Args& args) {
  const auto answer =
      Client(args).Call("DELETE", "/api/v1/sources/" + net::PercentEncode(args.positional()[0]));
  if (!answer.ok()) return Fail(answer.error());
  return Print(args, *answer,
               fmt::format("removed {}; what is stored of it stays\n", args.positional()[0]));
}

int RunSourceStatus(const Args& args) {
  const auto answer = Client(args).Call("GET", "/api/v1/sources");
  if (!answer.ok()) return Fail(answer.error());
  std::vector<std::vector<std::string>> rows = {
      {"STREAM", "KIND", "STATE", "FOR", "RATE", "STORED", "DROPPED", "TRACKS", "REASON"}};
  Json list = Json(Json::Array());
  for (const Json& publication : (*answer)["publications"].array()) {
    if (!args.positional().empty() && publication["stream"].AsString() != args.positional()[0])
      continue;
    list.Push(publication);
    rows.push_back({Text(publication["stream"]), Text(publication["kind"]),
                    Text(publication["state"]), Since(publication),
                    FormatBitrate(static_cast<uint64_t>(publication["bits_per_second"].AsInt())),
                    std::to_string(publication["fragments_stored"].AsInt()),
                    std::to_string(publication["fragments_dropped"].AsInt()), Tracks(publication),
                    Text(publication["reason"])});
  }
  if (rows.size() == 1 && !args.positional().empty()) {
    return Fail(
        Error(ErrorCode::kNotFound, fmt::format("nothing is known of {}", args.positional()[0])));
  }
  Json json;
  json.Set("publications", std::move(list));
  return Print(
      args, json,
      rows.size() > 1 ? FormatTable(rows) : "nobody publishes, and there are no sources\n");
}

}  // namespace penstock::server
