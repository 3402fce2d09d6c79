#include "base/time.h"

#include <charconv>

#include <fmt/format.h>

namespace penstock {
namespace {

class MachineClock final : public Clock {
 public:
  ServerTime Now() const override {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return ServerTime(std::chrono::duration_cast<std::chrono::milliseconds>(since));
  }
  SteadyTime SteadyNow() const override { return std::chrono::steady_clock::now(); }
};

std::string FormatMs(int64_t ms) {
  using namespace std::chrono;
  const auto point = sys_time<milliseconds>(milliseconds(ms));
  const auto day = floor<days>(point);
  const year_month_day date(day);
  const hh_mm_ss time(point - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", int(date.year()),
                     unsigned(date.month()), unsigned(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

// Reads exactly `digits` decimal digits from the front of text.
bool TakeDigits(std::string_view& text, size_t digits, int& out) {
  if (text.size() < digits) return false;
  out = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool TakeChar(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool TakeFraction(std::string_view& text, int& ms) {
  ms = 0;
  if (!TakeChar(text, ".")) return true;
  int digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (digits < 3) ms = ms * 10 + (text.front() - '0');
    if (++digits > 9) return false;
    text.remove_prefix(1);
  }
  if (digits == 0) return false;
  for (int i = digits; i < 3; ++i) ms *= 10;
  return true;
}

bool TakeOffset(std::string_view& text, int& minutes) {
  minutes = 0;
  if (TakeChar(text, "Zz")) return true;
  if (text.empty()) return false;
  const int sign = text.front() == '-' ? -1 : 1;
  int hour = 0;
  int minute = 0;
  // A plus sign in a query arrives as a space from clients that do not escape it.
  if (!TakeChar(text, "+- ") || !TakeDigits(text, 2, hour) || !TakeChar(text, ":") ||
      !TakeDigits(text, 2, minute) || hour > 23 || minute > 59) {
    return false;
  }
  minutes = sign * (hour * 60 + minute);
  return true;
}

}  // namespace

Clock& SystemClock() {
  static MachineClock clock;
  return clock;
}

std::string FormatRfc3339(ServerTime t) { return FormatMs(ToMs(t)); }

std::string FormatRfc3339(ProducerTime t) {
  return FormatMs(std::chrono::floor<std::chrono::milliseconds>(t.time_since_epoch()).count());
}

Result<ServerTime> ParseTime(std::string_view text) {
  const Error bad(
      ErrorCode::kInvalidArgument,
      fmt::format("'{}' is not a time: use RFC 3339 (2026-01-15T12:00:00Z) or epoch milliseconds",
                  text.substr(0, 64)));
  int64_t ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error == std::errc() && end == text.data() + text.size()) {
    // Year 9999 is where RFC 3339 ends.
    if (ms < 0 || ms > 253'402'300'799'999) return bad;
    return ServerTimeFromMs(ms);
  }

  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, fraction_ms = 0,
      offset_minutes = 0;
  std::string_view rest = text;
  const bool read = TakeDigits(rest, 4, year) && TakeChar(rest, "-") &&
                    TakeDigits(rest, 2, month) && TakeChar(rest, "-") && TakeDigits(rest, 2, day) &&
                    TakeChar(rest, "Tt ") && TakeDigits(rest, 2, hour) && TakeChar(rest, ":") &&
                    TakeDigits(rest, 2, minute) && TakeChar(rest, ":") &&
                    TakeDigits(rest, 2, second) && TakeFraction(rest, fraction_ms) &&
                    TakeOffset(rest, offset_minutes) && rest.empty();
  if (!read) return bad;
  using namespace std::chrono;
  const year_month_day date{std::chrono::year(year),
                            std::chrono::month(static_cast<unsigned>(month)),
                            std::chrono::day(static_cast<unsigned>(day))};
  // 60 is a leap second; it becomes the first of the next minute.
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return bad;
  const auto point = sys_days(date) + hours(hour) + minutes(minute - offset_minutes) +
                     seconds(second) + milliseconds(fraction_ms);
  const int64_t since = duration_cast<milliseconds>(point.time_since_epoch()).count();
  if (since < 0) return bad;
  return ServerTimeFromMs(since);
}

}  // namespace penstock
