#include <fmt/format.h>

#include "net/http/target.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/table.h"
#include "server/config/units.h"

namespace penstock::server {
namespace {

constexpr uint64_t kPage = 1000;

std::string Notes(const Json& item) {
  std::string out(item["gap_reason"].AsString());
  const std::string_view before = item["gap_before"].AsString();
  if (!before.empty()) out = fmt::format("after a gap: {}", before);
  for (const Json& flag : item["flags"].array()) {
    if (flag.AsString() == "producer-time") continue;
    if (!out.empty()) out += ", ";
    out += flag.AsString();
  }
  return out;
}

std::vector<std::string> Row(const Json& item) {
  return {std::string(item["start"].AsString()),
          fmt::format("{:.1f} s", static_cast<double>(item["duration_ms"].AsInt()) / 1000),
          FormatByteSize(static_cast<uint64_t>(item["bytes"].AsInt())),
          std::to_string(item["ordinal"].AsInt()),
          std::string(item["kind"].AsString()),
          std::string(item["number"].AsString()),
          Notes(item)};
}

}  // namespace

int RunFragments(const Args& args) {
  const auto range = RangeQuery(args);
  if (!range.ok()) return Fail(range.error());
  const auto limit = ParseCount(args.Flag("--limit").value_or("100"));
  if (!limit.ok()) return Fail(limit.error());
  Client client(args);
  std::vector<std::vector<std::string>> rows = {
      {"START", "LENGTH", "SIZE", "ORDINAL", "KIND", "NUMBER", "NOTES"}};
  Json list = Json(Json::Array());
  std::string after;
  const std::string base = fmt::format("/api/v1/streams/{}/fragments{}",
                                       net::PercentEncode(args.positional()[0]), *range);
  while (true) {
    const uint64_t wanted =
        *limit == 0 ? kPage : std::min<uint64_t>(kPage, *limit - list.array().size());
    if (wanted == 0) break;
    const std::string target = fmt::format("{}{}limit={}{}", base, range->empty() ? "?" : "&",
                                           wanted, after.empty() ? "" : "&after=" + after);
    const auto answer = client.Call("GET", target);
    if (!answer.ok()) return Fail(answer.error());
    for (const Json& item : (*answer)["fragments"].array()) {
      rows.push_back(Row(item));
      list.Push(item);
    }
    after = std::string((*answer)["next"].AsString());
    if (after.empty()) break;
  }
  Json json;
  json.Set("stream", args.positional()[0]);
  json.Set("fragments", std::move(list));
  json.Set("next", after.empty() ? Json() : Json(after));
  std::string text = rows.size() > 1 ? FormatTable(rows) : "nothing is stored in that range\n";
  if (!after.empty()) text += "… and more; --limit 0 lists all\n";
  return Print(args, json, text);
}

}  // namespace penstock::server
