#include "server/cli/args.h"

#include <algorithm>

#include <fmt/format.h>

#include "server/config/suggest.h"

namespace penstock::server {
namespace {

Error Invalid(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

bool Contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Error UnknownFlag(std::string_view name, const ArgSpec& spec) {
  std::vector<std::string_view> known = spec.flags;
  known.insert(known.end(), spec.switches.begin(), spec.switches.end());
  const std::string_view meant = Nearest(name, known);
  if (meant.empty()) return Invalid(fmt::format("there is no flag {}", name));
  return Invalid(fmt::format("there is no flag {}; did you mean {}?", name, meant));
}

}  // namespace

Result<Args> Args::Parse(const std::vector<std::string>& words, const ArgSpec& spec) {
  Args args;
  bool flags_end = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!flags_end && word == "--") {
      flags_end = true;
      continue;
    }
    // A lone "-" is standard output.
    if (flags_end || word.size() < 2 || word[0] != '-') {
      args.positional_.push_back(word);
      continue;
    }
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (Contains(spec.switches, name)) {
      if (equals != std::string::npos) return Invalid(fmt::format("{} takes no value", name));
      args.flags_.emplace_back(name, "");
    } else if (!Contains(spec.flags, name)) {
      return UnknownFlag(name, spec);
    } else if (equals != std::string::npos) {
      args.flags_.emplace_back(name, word.substr(equals + 1));
    } else if (i + 1 < words.size()) {
      args.flags_.emplace_back(name, words[++i]);
    } else {
      return Invalid(fmt::format("{} wants a value", name));
    }
  }
  if (args.positional_.size() < spec.positional_min) return Invalid("something is missing");
  if (args.positional_.size() > spec.positional_max) {
    return Invalid(fmt::format("'{}' is one word too many", args.positional_[spec.positional_max]));
  }
  return args;
}

std::optional<std::string> Args::Flag(std::string_view name) const {
  // The last one wins, as with most programs.
  for (auto it = flags_.rbegin(); it != flags_.rend(); ++it) {
    if (it->first == name) return it->second;
  }
  return std::nullopt;
}

}  // namespace penstock::server
