#include <fmt/format.h>

#include "net/http/target.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/table.h"

namespace penstock::server {
namespace {

std::string Joined(const Json& list, std::string_view if_empty) {
  std::string out;
  for (const Json& pattern : list.array()) {
    if (!out.empty()) out += ", ";
    out += pattern.AsString();
  }
  return out.empty() ? std::string(if_empty) : out;
}

std::string Streams(const Json& key) { return Joined(key["streams"], "all"); }

// What a list in a flag names: "yard-*,door".
Json ListOf(std::string_view text) {
  Json list = Json(Json::Array());
  while (!text.empty()) {
    const size_t comma = text.find(',');
    list.Push(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return list;
}

std::string HowToUse(const Json& key) {
  const std::string_view user = key["user"].AsString();
  const std::string_view secret = key["secret"].AsString();
  std::string out =
      fmt::format("key {} ({}, streams: {}); this secret is not shown again:\n\n  {}\n\n", user,
                  key["role"].AsString(), Streams(key), secret);
  if (const std::string_view token = key["session_token"].AsString(); !token.empty()) {
    return out + fmt::format(
                     "an AWS SDK, until {}:\n\n"
                     "  export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}\n"
                     "  export AWS_SESSION_TOKEN={}\n",
                     key["expires"].AsString(), user, secret, token);
  }
  const std::string sdk =
      fmt::format("an AWS SDK  AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}\n", user, secret);
  if (key["role"].AsString() == "custom") {
    return out + sdk + fmt::format("may        {}\n", Joined(key["actions"], "nothing"));
  }
  if (key["role"].AsString() == "publisher") {
    return out + fmt::format("publish to  rtsp://{}:{}@<host>:8554/<stream>\n", user, secret);
  }
  out += fmt::format("the page    http://<host>:8080/#key={}\n", secret);
  out +=
      fmt::format("a player    http://{}:{}@<host>:8080/hls/<stream>/index.m3u8\n", user, secret);
  return out + sdk;
}

}  // namespace

int RunKeyCreate(const Args& args) {
  Json body;
  body.Set("user", args.positional()[0]);
  if (const auto role = args.Flag("--role")) body.Set("role", *role);
  if (const auto list = args.Flag("--streams")) body.Set("streams", ListOf(*list));
  if (const auto list = args.Flag("--allow")) body.Set("actions", ListOf(*list));
  if (args.Switch("--session")) {
    const auto lasts = ParseDuration(args.Flag("--for").value_or("1h"));
    if (!lasts.ok()) return Fail(Error(lasts.error()).With("--for"));
    body.Set("session_seconds", static_cast<int64_t>(lasts->count() / 1000));
  } else if (args.Flag("--for")) {
    return Fail(Error(ErrorCode::kInvalidArgument, "--for belongs to --session"));
  }
  const auto answer = Client(args).Call("POST", "/api/v1/keys", body);
  if (!answer.ok()) return Fail(answer.error());
  return Print(args, *answer, HowToUse(*answer));
}

int RunKeyList(const Args& args) {
  const auto answer = Client(args).Call("GET", "/api/v1/keys");
  if (!answer.ok()) return Fail(answer.error());
  std::vector<std::vector<std::string>> rows = {{"NAME", "MAY", "STREAMS", "CREATED", "UNTIL"}};
  for (const Json& key : (*answer)["keys"].array()) {
    rows.push_back({std::string(key["user"].AsString()),
                    Joined(key["actions"], key["role"].AsString()), Streams(key),
                    std::string(key["created"].AsString()),
                    std::string(key["expires"].AsString("-"))});
  }
  return Print(args, *answer, rows.size() > 1 ? FormatTable(rows) : "no keys\n");
}

int RunKeyRevoke(const Args& args) {
  const auto answer =
      Client(args).Call("DELETE", "/api/v1/keys/" + net::PercentEncode(args.positional()[0]));
  if (!answer.ok()) return Fail(answer.error());
  return Print(args, *answer, fmt::format("revoked {}\n", args.positional()[0]));
}

}  // namespace penstock::server
