#include <fmt/format.h>

#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/table.h"
#include "server/config/units.h"
#include "store/disk/disk.h"
#include "store/store.h"

namespace penstock::server {
namespace {

std::string Forecast(const Json& stats) {
  if (stats["keeps_seconds"].is_null()) return "nothing is coming in";
  return fmt::format("{:.1f} days at {:.1f} Mbit/s",
                     static_cast<double>(stats["keeps_seconds"].AsInt()) / 86400,
                     static_cast<double>(stats["bits_per_second"].AsInt()) / 1e6);
}

std::string Size(const Json& json) { return FormatByteSize(static_cast<uint64_t>(json.AsInt())); }

std::string Held(const Json& stats) {
  const int64_t holds = stats["holds"].AsInt();
  if (holds == 0) return "nothing";
  return fmt::format("{} by {} hold{}", Size(stats["held_bytes"]), holds, holds == 1 ? "" : "s");
}

Json ReportToJson(const store::CheckReport& report, bool sound) {
  Json findings = Json(Json::Array());
  for (const auto& finding : report.findings) {
    Json json;
    json.Set("where", finding.where);
    json.Set("what", finding.what);
    json.Set("harmful", finding.harmful);
    findings.Push(std::move(json));
  }
  Json out;
  out.Set("sound", sound);
  out.Set("segments", report.segments);
  out.Set("items", report.items);
  out.Set("bytes", report.body_bytes);
  out.Set("findings", std::move(findings));
  return out;
}

}  // namespace

int RunStoreStats(const Args& args) {
  const auto answer = Client(args).Call("GET", "/api/v1/store");
  if (!answer.ok()) return Fail(answer.error());
  const Json& stats = *answer;
  std::vector<std::vector<std::string>> rows = {
      {"streams", std::to_string(stats["streams"].AsInt())},
      {"items", std::to_string(stats["items"].AsInt())},
      {"media", Size(stats["media_bytes"])},
      {"held beyond that", Held(stats)},
      {"segment files",
       fmt::format("{} ({})", stats["segment_files"].AsInt(), Size(stats["segment_bytes"]))},
      {"volume",
       fmt::format("{} free of {}", Size(stats["volume_free_bytes"]), Size(stats["volume_bytes"]))},
      {"room for", Forecast(stats)},
      {"waiting for the log", std::to_string(stats["pending_items"].AsInt())},
      {"state", stats["read_only"].AsBool() ? "READ-ONLY: the disk refused to sync"
                : stats["full"].AsBool()    ? "FULL: nothing is stored"
                : stats["unreadable_streams"].AsInt() > 0
                    ? "DAMAGED: streams cannot be read from the catalog; `store check` names them"
                    : "ok"},
  };
  return Print(args, stats, FormatTable(rows));
}

int RunStoreCheck(const Args& args) {
  const std::filesystem::path data = DataFolder(args);
  if (Client(data).Call("GET", "/api/v1/version").ok()) {
    return Fail(Error(
        ErrorCode::kConflict,
        fmt::format("a server is running on {}; stop it first (`penstock store stats` asks it)",
                    data.string())));
  }
  const auto report = store::Store::Check(data, store::RealDisk());
  if (!report.ok()) return Fail(report.error());
  bool sound = true;
  std::string text;
  for (const auto& finding : report->findings) {
    sound = sound && !finding.harmful;
    text += fmt::format("{} {}: {}\n", finding.harmful ? "DAMAGE" : "note  ", finding.where,
                        finding.what);
  }
  text += fmt::format("{} segments, {} items, {}: {}\n", report->segments, report->items,
                      FormatByteSize(report->body_bytes),
                      sound                   ? "everything that was acknowledged is readable"
                      : report->index_differs ? "the index is not what the log says: without the "
                                                "folder index the next start builds it anew"
                                              : "acknowledged media is damaged");
  Print(args, ReportToJson(*report, sound), text);
  return sound ? kDone : kFailed;
}

}  // namespace penstock::server
