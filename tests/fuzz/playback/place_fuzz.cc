// The place that the address of a DASH manifest carries, as anyone may send it.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "playback/dash/place.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock::playback;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto place = ParsePlace(text);
  if (!place) return 0;
  CHECK(FormatPlace(*place) == text);
  CHECK(place->first <= place->from);
  // What periods add up stays within the numbers.
  constexpr int64_t kBound = int64_t{1} << 60;
  CHECK(place->start_us < kBound);
  CHECK(place->start_us > -kBound);
  CHECK(place->offset_us < kBound);
  CHECK(place->offset_us > -kBound);
  return 0;
}
