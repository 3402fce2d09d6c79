#include "server/operations/video/producer_start.h"

#include <charconv>
#include <string>

#include "base/time.h"
#include "fragmenter/upload/parser.h"

namespace penstock::server::aws::video {
namespace {

constexpr int64_t kNs = 1'000'000'000;

Error Bad(std::string_view text) {
  return Error(ErrorCode::kInvalidArgument,
               "x-amzn-producer-start-timestamp is no time: " + std::string(text.substr(0, 64)));
}

bool ReadDigits(std::string_view text, int64_t& out) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failure == std::errc() && end == text.data() + text.size() && text.front() != '-';
}

}  // namespace

Result<int64_t> ParseProducerStart(std::string_view text, bool short_is_ms) {
  if (text.find('T') != std::string_view::npos) {
    const auto time = ParseTime(text);
    if (!time.ok() || ToMs(*time) < 0 || ToMs(*time) > fragmenter::kUploadTimeNsMax / 1'000'000)
      return Bad(text);
    return ToMs(*time) * 1'000'000;
  }
  const size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  int64_t seconds = 0;
  if (whole.empty() || !ReadDigits(whole, seconds) || seconds > fragmenter::kUploadTimeNsMax / kNs)
    return Bad(text);
  int64_t ns = 0;
  if (dot != std::string_view::npos) {
    std::string decimals(text.substr(dot + 1));
    if (decimals.empty()) return Bad(text);
    if (short_is_ms && decimals.size() < 3) decimals.insert(0, 3 - decimals.size(), '0');
    // Finer than a nanosecond is nobody's clock.
    const std::string_view tail =
        std::string_view(decimals).substr(std::min<size_t>(decimals.size(), 9));
    if (tail.find_first_not_of("0123456789") != std::string_view::npos) return Bad(text);
    decimals.resize(9, '0');
    if (!ReadDigits(decimals, ns)) return Bad(text);
  }
  return seconds * kNs + ns;
}

}  // namespace penstock::server::aws::video
