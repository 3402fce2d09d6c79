// A command line taken apart. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::server {

// What a command takes.
struct ArgSpec {
  std::vector<std::string_view> flags;     // take a value: "--data"
  std::vector<std::string_view> switches;  // take none: "--json"
  size_t positional_min = 0;
  size_t positional_max = 0;
};

class Args {
 public:
  // "--flag value" and "--flag=value"; "-o" is a flag like any other; "--" ends flags.
  // kInvalidArgument says what is wrong and, for an unknown flag, which one was probably meant.
  static Result<Args> Parse(const std::vector<std::string>& words, const ArgSpec& spec);

  const std::vector<std::string>& positional() const { return positional_; }
  std::optional<std::string> Flag(std::string_view name) const;
  bool Switch(std::string_view name) const { return Flag(name).has_value(); }
  // Every flag in the order given.
  const std::vector<std::pair<std::string, std::string>>& flags() const { return flags_; }

 private:
  std::vector<std::string> positional_;
  std::vector<std::pair<std::string, std::string>> flags_;
};

}  // namespace penstock::server
