#include "server/wire/timestamp.h"

#include <cmath>

namespace penstock::server::wire {
namespace {

constexpr double kSecondsMin = -62'135'596'800.0;
constexpr double kSecondsMax = 253'402'300'800.0;

Json FromMs(int64_t ms) { return Json(static_cast<double>(ms) / 1000); }

}  // namespace

Result<int64_t> ParseTimestamp(const Json& value) {
  if (value.is_number()) {
    const double seconds = value.is_int() ? static_cast<double>(value.AsInt()) : value.AsDouble();
    if (seconds >= kSecondsMin && seconds < kSecondsMax) return std::llround(seconds * 1'000'000);
  } else if (value.is_string() && value.AsString().find('T') != std::string_view::npos) {
    // Only with a T: bare digits would be milliseconds to ParseTime.
    const auto time = ParseTime(value.AsString());
    if (time.ok()) return ToMs(*time) * 1000;
  }
  return Error(ErrorCode::kInvalidArgument, "this is no timestamp");
}

Json ToTimestamp(ServerTime time) { return FromMs(ToMs(time)); }

Json ToTimestamp(ProducerTime time) {
  return FromMs(std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

}  // namespace penstock::server::wire
