#include <fmt/format.h>

#include "net/http/target.h"
#include "server/auth/trust.h"
#include "server/auth/viewer_token.h"
#include "server/cli/client.h"
#include "server/cli/command.h"

namespace penstock::server {
namespace {

using std::chrono::seconds;

std::string HowToUse(const Json& link, seconds lifetime) {
  const std::string_view page = link["page"].AsString();
  std::string out = fmt::format(
      "whoever has this link may watch {} until {} ({} from now); it cannot be taken back\n\n"
      "the page  {}\n"
      "a player  {}\n",
      link["stream"].AsString(), link["expires"].AsString(), FormatDuration(lifetime), page,
      link["playlist"].AsString());
  const std::string_view host = page.substr(std::min(page.find("//") + 2, page.size()));
  if (IsLoopbackHost(host.substr(0, host.find('/')))) {
    out +=
        "\nlocalhost is this machine only: give the others its name or address instead, or set "
        "public_url\n";
  }
  return out;
}

}  // namespace

int RunTokenCreate(const Args& args) {
  const auto lifetime = ParseDuration(args.Flag("--for").value_or("1h"));
  if (!lifetime.ok()) return Fail(Error(lifetime.error()).With("--for"));
  const seconds whole = std::chrono::floor<seconds>(*lifetime);
  if (whole < kViewerTokenTimeMin || whole > kViewerTokenTimeMax) {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("--for: {} to {} is wanted", FormatDuration(kViewerTokenTimeMin),
                                  FormatDuration(kViewerTokenTimeMax))));
  }
  Json body;
  body.Set("seconds", static_cast<int64_t>(whole.count()));
  const auto answer = Client(args).Call(
      "POST", "/api/v1/streams/" + net::PercentEncode(args.positional()[0]) + "/tokens", body);
  if (!answer.ok()) return Fail(answer.error());
  return Print(args, *answer, HowToUse(*answer, whole));
}

}  // namespace penstock::server
