// The query of a target, decoded once, as signatures need it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::server::sigv4 {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Names and values in order; a '+' stays one. nullopt for a broken percent-encoding.
std::optional<Pairs> ReadQuery(std::string_view target);

// The path as sent, without scheme, authority and query; "/" when empty.
std::string_view PathOf(std::string_view target);

// Everything but letters, digits and "-_.~" as %XX.
std::string UriEncode(std::string_view text);

}  // namespace penstock::server::sigv4
