// How a setting that is one member of Config is read and compared.
#pragma once

#include <utility>

#include "server/config/settings.h"

namespace penstock::server {

template <class T>
SettingAccess Member(T Config::*member, std::function<Status(Config&, std::string_view)> set) {
  return {std::move(set),
          [member](const Config& a, const Config& b) { return a.*member == b.*member; }};
}

// With a parser that says all there is to say of it.
template <class T>
SettingAccess Parsed(T Config::*member, Result<T> (*parse)(std::string_view text)) {
  return Member(member, [member, parse](Config& config, std::string_view text) -> Status {
    PS_TRY(config.*member, parse(text));
    return Status();
  });
}

}  // namespace penstock::server
