// Commands that need no server.
#include <fmt/format.h>

#include "server/api/version.h"
#include "server/cli/command.h"
#include "server/config/identity.h"
#include "server/config/settings.h"

namespace penstock::server {

int RunConfigCheck(const Args& args) {
  Config config = DefaultConfig();
  Status checked = ApplyYamlFile(args.positional()[0], config);
  if (checked.ok()) checked = CheckConfig(config);
  if (checked.ok()) {
    const auto identity = LoadIdentity(config);
    if (!identity.ok()) checked = identity.error();
  }
  if (!checked.ok()) return Fail(checked.error());
  Json json;
  json.Set("valid", true);
  json.Set("sources", config.sources.size());
  return Print(args, json,
               fmt::format("{} is fine: {} sources, data in {}\n", args.positional()[0],
                           config.sources.size(), config.data.string()));
}

int RunConfigReference(const Args& args) {
  const std::string text = ConfigurationReference();
  Json json;
  json.Set("markdown", text);
  return Print(args, json, text);
}

int RunVersion(const Args& args) {
  Json json;
  json.Set("version", Version());
  return Print(args, json, fmt::format("penstock {}\n", Version()));
}

}  // namespace penstock::server
