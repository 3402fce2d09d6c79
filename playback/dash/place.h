// A place on a manifest's time line, as the address of the next one carries it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::playback {

// A Period that has begun.
struct Place {
  uint64_t first = 0;     // ordinal of the fragment it begins with: its id, its number 1
  int64_t start_us = 0;   // on the manifest's time line
  int64_t offset_us = 0;  // the run's time then
  uint64_t from = 0;      // ordinal of a fragment in it: first <= from
  friend bool operator==(const Place&, const Place&) = default;
};
// Four numbers; nullopt for what the first did not make.
std::string FormatPlace(const Place& place);
std::optional<Place> ParsePlace(std::string_view text);

}  // namespace penstock::playback
