#include <algorithm>

#include <fmt/format.h>

#include "net/http/target.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/table.h"
#include "server/config/units.h"

namespace penstock::server {
namespace {

// Whether the range goes on with what another one ended with, which another page of the answer
// said.
bool GoesOn(const Json& last, const Json& range) {
  return last["end"].AsString() == range["start"].AsString() &&
         last["stored"].AsBool() == range["stored"].AsBool() &&
         last["reason"].AsString() == range["reason"].AsString();
}

void Join(Json& last, const Json& range) {
  last.Set("end", range["end"]);
  for (const std::string_view sum : {"duration_ms", "fragments", "bytes"}) {
    if (!range[sum].is_null()) last.Set(sum, last[sum].AsInt() + range[sum].AsInt());
  }
  if (!range["open"].is_null()) last.Set("open", range["open"]);
}

// "camera-lost" for people.
std::string Words(std::string_view reason) {
  std::string out(reason);
  std::replace(out.begin(), out.end(), '-', ' ');
  return out;
}

std::string What(const Json& range) {
  if (range["stored"].AsBool()) {
    return fmt::format("stored: {} fragments, {}", range["fragments"].AsInt(),
                       FormatByteSize(static_cast<uint64_t>(range["bytes"].AsInt())));
  }
  if (range["reason"].AsString() == "expired") return "expired";
  return fmt::format("missing: {}{}", Words(range["reason"].AsString()),
                     range["open"].AsBool() ? ", until now" : "");
}

std::string Seconds(int64_t ms) { return fmt::format("{:.3f} s", static_cast<double>(ms) / 1000); }

std::string Table(const Json& coverage) {
  std::string text;
  const std::string_view expired = coverage["expired_before"].AsString();
  if (!expired.empty()) text += fmt::format("before {} everything has expired\n", expired);
  if (coverage["ranges"].array().empty()) return text + "nothing is known of that time\n";
  std::vector<std::vector<std::string>> rows = {{"START", "END", "LENGTH", "WHAT"}};
  for (const Json& range : coverage["ranges"].array()) {
    rows.push_back({std::string(range["start"].AsString()), std::string(range["end"].AsString()),
                    Seconds(range["duration_ms"].AsInt()), What(range)});
  }
  text += FormatTable(rows) + fmt::format("stored {}, missing {}",
                                          Seconds(coverage["stored_ms"].AsInt()),
                                          Seconds(coverage["missing_ms"].AsInt()));
  const int64_t expired_ms = coverage["expired_ms"].AsInt();
  if (expired_ms > 0) text += fmt::format(", expired {}", Seconds(expired_ms));
  return text + "\n";
}

}  // namespace

int RunStreamCoverage(const Args& args) {
  const auto range = RangeQuery(args);
  if (!range.ok()) return Fail(range.error());
  const std::string base = fmt::format("/api/v1/streams/{}/coverage{}",
                                       net::PercentEncode(args.positional()[0]), *range);
  Client client(args);
  Json coverage;
  Json::Array ranges;
  int64_t stored_ms = 0;
  int64_t missing_ms = 0;
  int64_t expired_ms = 0;
  for (std::string after;;) {
    const std::string target =
        after.empty() ? base : fmt::format("{}{}after={}", base, range->empty() ? "?" : "&", after);
    const auto answer = client.Call("GET", target);
    if (!answer.ok()) return Fail(answer.error());
    for (const Json& next : (*answer)["ranges"].array()) {
      if (!ranges.empty() && GoesOn(ranges.back(), next)) {
        Join(ranges.back(), next);
      } else {
        ranges.push_back(next);
      }
    }
    stored_ms += (*answer)["stored_ms"].AsInt();
    missing_ms += (*answer)["missing_ms"].AsInt();
    expired_ms += (*answer)["expired_ms"].AsInt();
    if (after.empty()) coverage = *answer;
    after = std::string((*answer)["next"].AsString());
    if (after.empty()) break;
  }
  coverage.Set("ranges", Json(std::move(ranges)));
  coverage.Set("stored_ms", stored_ms);
  coverage.Set("missing_ms", missing_ms);
  coverage.Set("expired_ms", expired_ms);
  coverage.Set("next", Json());
  return Print(args, coverage, Table(coverage));
}

}  // namespace penstock::server
