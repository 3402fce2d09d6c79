#include "playback/dash/place.h"

#include <charconv>

#include <fmt/format.h>

namespace penstock::playback {
namespace {

constexpr char kBetween = '.';
// Whatever it is added to, nothing overflows: 2^53 us are 285 years.
constexpr int64_t kUsMax = int64_t{1} << 53;

template <typename T>
bool Take(std::string_view& text, T& value) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (text.starts_with(kBetween)) text.remove_prefix(1);
  return true;
}

bool IsSane(int64_t us) { return us <= kUsMax && us >= -kUsMax; }

}  // namespace

std::string FormatPlace(const Place& place) {
  return fmt::format("{}.{}.{}.{}", place.first, place.start_us, place.offset_us, place.from);
}

std::optional<Place> ParsePlace(std::string_view text) {
  const std::string_view whole = text;
  Place place;
  if (!Take(text, place.first) || !Take(text, place.start_us) || !Take(text, place.offset_us) ||
      !Take(text, place.from)) {
    return std::nullopt;
  }
  const bool sane = IsSane(place.start_us) && IsSane(place.offset_us) && place.first <= place.from;
  if (!sane || FormatPlace(place) != whole) return std::nullopt;
  return place;
}

}  // namespace penstock::playback
