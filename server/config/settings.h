// The one table of settings: parser, flags, `--help` and docs/configuration.md are all made from
// it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/config.h"

namespace penstock::server {

// How a setting is read, and whether two configurations agree in it.
struct SettingAccess {
  // Parses, checks and stores; the error does not repeat the setting's name.
  std::function<Status(Config&, std::string_view)> set;
  std::function<bool(const Config&, const Config&)> same;
};

// When a changed setting of the file takes effect.
enum class Effect {
  kRestart,
  kReload,  // on SIGHUP, too
};

struct Setting {
  std::string_view name;      // as in the file; a dot is a level: "log.level"
  std::string_view type;      // "duration", "size", … as the reference calls it
  std::string_view fallback;  // the default, in the same notation
  std::string_view limits;    // in words; empty if there are none
  std::string_view help;      // one or two sentences
  SettingAccess access;
  Effect effect = Effect::kRestart;

  // The command line's name for it: "--log-level".
  std::string Flag() const;
};

const std::vector<Setting>& Settings();
const Setting* FindSetting(std::string_view name);
const Setting* FindSettingByFlag(std::string_view flag);

// docs/configuration.md, byte for byte.
std::string ConfigurationReference();
// The settings part of `penstock serve --help`.
std::string SettingsHelp();

}  // namespace penstock::server
