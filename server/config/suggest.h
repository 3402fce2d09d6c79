// "Did you mean ...?" for names that people mistype.
#pragma once

#include <string_view>
#include <vector>

namespace penstock::server {

// Insertions, deletions, replacements and swaps of neighbours between two words (restricted
// Damerau-Levenshtein).
size_t EditDistance(std::string_view a, std::string_view b);

// The nearest candidate if it is near enough to be what was meant; empty otherwise.
std::string_view Nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace penstock::server
