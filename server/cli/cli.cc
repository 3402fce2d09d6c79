// From words to a command.
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>

#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/config/settings.h"
#include "server/config/suggest.h"

namespace penstock::server {
namespace {

void Out(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }
void Err(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

std::string Overview() {
  std::string out =
      "penstock: cameras in, a durable store, browsers out\n"
      "\n"
      "usage: penstock <command> [--data <folder> | --server <url> [--ca <file>]] [--json]\n"
      "\n";
  for (const Command& command : Commands()) {
    out += fmt::format("  {:<34} {}\n", fmt::format("{} {}", command.name, command.operands),
                       command.summary);
  }
  out +=
      "\n"
      "`penstock <command> --help` explains one, with examples. To begin:\n"
      "  penstock serve                                   then open http://localhost:8080/\n"
      "  penstock source add door rtsp://user:password@camera/stream\n"
      "\n"
      "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 no server is running.\n";
  return out;
}

std::string HelpFor(const Command& command) {
  std::string out =
      fmt::format("usage: penstock {} {}\n\n{}\n", command.name, command.operands, command.summary);
  if (!command.help.empty()) out += fmt::format("\n{}", command.help);
  if (command.name == "serve") {
    out += fmt::format(
        "\nsettings (docs/configuration.md explains them; all may stand in the file of --config, "
        "too):\n{}",
        SettingsHelp());
    return out;
  }
  out +=
      "\n  --data <folder>  the server's data folder (default: ./penstock-data, then "
      "/var/lib/penstock; or PENSTOCK_DATA)\n";
  if (command.asks_server) {
    out +=
        "  --server <url>   a server elsewhere instead: https://host:8443 (or PENSTOCK_SERVER); "
        "the "
        "secret of a key is taken\n"
        "                   from PENSTOCK_KEY, or with its name from https://name:secret@host\n"
        "  --ca <file>      with https://: trust the authorities of this PEM file instead of the "
        "system's (or PENSTOCK_CA)\n";
  }
  out += "  --json           JSON for programs instead of tables for people\n";
  return out;
}

// "source add" before "source"; the number of words it took.
const Command* FindCommand(const std::vector<std::string>& words, size_t& taken) {
  for (const size_t count : {size_t{2}, size_t{1}}) {
    if (words.size() < count) continue;
    const std::string name = count == 2 ? words[0] + " " + words[1] : words[0];
    for (const Command& command : Commands()) {
      if (command.name == name) {
        taken = count;
        return &command;
      }
    }
  }
  return nullptr;
}

// "penstock source" and "penstock source --help": the commands of that group.
std::string Group(const std::string& word) {
  std::string out;
  for (const Command& command : Commands()) {
    if (command.name.substr(0, word.size() + 1) != word + " ") continue;
    out += fmt::format("  {:<34} {}\n", fmt::format("{} {}", command.name, command.operands),
                       command.summary);
  }
  return out;
}

int UnknownCommand(const std::vector<std::string>& words) {
  const std::string group = Group(words[0]);
  if (!group.empty()) {
    const bool help = words.size() > 1 && (words[1] == "--help" || words[1] == "-h");
    if (help) {
      Out(group);
      return kDone;
    }
    Err(fmt::format("penstock {} is one of:\n{}", words[0], group));
    return kUsage;
  }
  std::vector<std::string_view> names;
  for (const Command& command : Commands()) names.push_back(command.name);
  std::string typed = words[0];
  if (words.size() > 1 && words[1][0] != '-') typed += " " + words[1];
  std::string_view meant = Nearest(typed, names);
  if (meant.empty()) meant = Nearest(words[0], names);
  Err(fmt::format("penstock: there is no command '{}'{}; see penstock --help\n", words[0],
                  meant.empty() ? "" : fmt::format("; did you mean '{}'?", meant)));
  return kUsage;
}

bool AsksForHelp(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "--") return false;
    if (word == "--help" || word == "-h") return true;
  }
  return false;
}

}  // namespace

int RunCommandLine(const std::vector<std::string>& words) {
  if (words.empty()) {
    Err(Overview());
    return kUsage;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    Out(Overview());
    return kDone;
  }
  size_t taken = 0;
  const Command* command = words[0] == "--version" ? nullptr : FindCommand(words, taken);
  if (words[0] == "--version") return RunVersion(Args());
  if (command == nullptr) return UnknownCommand(words);
  const std::vector<std::string> rest(words.begin() + static_cast<ptrdiff_t>(taken), words.end());
  if (AsksForHelp(rest)) {
    Out(HelpFor(*command));
    return kDone;
  }
  ArgSpec spec = command->spec;
  spec.flags.push_back("--data");
  if (command->asks_server) spec.flags.insert(spec.flags.end(), {"--server", "--ca"});
  spec.switches.push_back("--json");
  const auto args = Args::Parse(rest, spec);
  if (!args.ok()) {
    Err(fmt::format("penstock {}: {}\nusage: penstock {} {}\n", command->name,
                    args.error().message(), command->name, command->operands));
    return kUsage;
  }
  return command->run(*args);
}

std::filesystem::path DataFolder(const Args& args) {
  if (const auto given = args.Flag("--data")) return *given;
  if (const char* named = std::getenv("PENSTOCK_DATA"); named != nullptr && *named != '\0')
    return named;
  const std::filesystem::path here = "./penstock-data";
  const std::filesystem::path system = "/var/lib/penstock";
  std::error_code ignored;  // A folder that cannot be looked into holds no server of ours.
  const bool only_there = !std::filesystem::exists(SocketOf(here), ignored) &&
                          std::filesystem::exists(SocketOf(system), ignored);
  return only_there ? system : here;
}

int Fail(const Error& error) {
  Err(fmt::format("penstock: {}\n", error.message()));
  return error.code() == ErrorCode::kUnavailable ? kNoServer : kFailed;
}

int Print(const Args& args, const Json& json, const std::string& text) {
  Out(args.Switch("--json") ? json.DumpIndented() + "\n" : text);
  return kDone;
}

Result<std::string> TimeForQuery(std::string_view text, ServerTime now) {
  if (text == "now") return std::to_string(ToMs(now));
  if (!text.empty() && text.front() == '-') {
    PS_TRY(const auto ago, ParseDuration(text.substr(1)));
    return std::to_string(ToMs(now - ago));
  }
  PS_TRY(const ServerTime time, ParseTime(text));
  return std::to_string(ToMs(time));
}

Result<std::string> RangeQuery(const Args& args) {
  std::string query;
  for (const std::string_view name : {"start", "end"}) {
    const auto text = args.Flag(fmt::format("--{}", name));
    if (!text) continue;
    auto time = TimeForQuery(*text, SystemClock().Now());
    if (!time.ok()) return std::move(time).error().With(fmt::format("--{}", name));
    query += fmt::format("{}{}={}", query.empty() ? "?" : "&", name, *time);
  }
  return query;
}

}  // namespace penstock::server
