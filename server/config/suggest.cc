#include "server/config/suggest.h"

#include <algorithm>

namespace penstock::server {

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before;               // the row for a[0 .. i-2]
  std::vector<size_t> above(b.size() + 1);  // for a[0 .. i-1]
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before = above;
    std::swap(above, row);
  }
  return above[b.size()];
}

std::string_view Nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  // Longer words are not compared: the cost is quadratic, and nobody means a 200-letter key.
  if (word.size() > 64) return {};
  std::string_view best;
  size_t least = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    // A name written without its section ("level" for "log.level") is meant, too.
    const size_t dot = candidate.rfind('.');
    size_t distance = EditDistance(word, candidate);
    if (dot != std::string_view::npos) {
      distance = std::min(distance, EditDistance(word, candidate.substr(dot + 1)) + 1);
    }
    if (distance < least && distance < word.size()) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace penstock::server
