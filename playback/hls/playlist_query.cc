#include "playback/hls/playlist_query.h"

#include <charconv>

#include <fmt/format.h>

#include "base/limits.h"

namespace penstock::playback {
namespace {

Error Invalid(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

// What a person typed, in a message: short, and nothing that could play tricks on a terminal or a
// page.
std::string Quote(std::string_view text) {
  constexpr size_t kShown = 40;
  std::string out = "'";
  for (const char c : text.substr(0, kShown)) {
    const bool plain = c >= ' ' && c <= '~' && c != '<' && c != '>' && c != '&' && c != '\'';
    out += plain ? c : '?';
  }
  out += text.size() > kShown ? "...'" : "'";
  return out;
}

Status SetTime(std::optional<ServerTime>& field, std::string_view name, std::string_view text) {
  if (field) return Invalid(fmt::format("{} is given twice", name));
  const Result<ServerTime> time = ParseTime(text);
  if (!time.ok()) {
    return Invalid(fmt::format(
        "{}={} is not a time: use RFC 3339 (2026-01-15T12:00:00Z) or milliseconds since 1970", name,
        Quote(text)));
  }
  field = *time;
  return {};
}

Status SetOrdinal(std::optional<uint64_t>& field, std::string_view name, std::string_view text) {
  if (field) return Invalid(fmt::format("{} is given twice", name));
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Invalid(fmt::format("{}={} is not the number of a fragment", name, Quote(text)));
  }
  field = value;
  return {};
}

}  // namespace

Result<PlaylistQuery> ParsePlaylistQuery(
    std::span<const std::pair<std::string, std::string>> pairs) {
  PlaylistQuery query;
  for (const auto& [name, value] : pairs) {
    if (name == "start") {
      PS_TRY_VOID(SetTime(query.start, name, value));
    } else if (name == "end") {
      PS_TRY_VOID(SetTime(query.end, name, value));
    } else if (name == "first") {
      PS_TRY_VOID(SetOrdinal(query.first, name, value));
    } else {
      return Invalid(
          fmt::format("unknown parameter {}: a playlist takes start and end", Quote(name)));
    }
  }
  if (query.first && (query.start || query.end)) return Invalid("first goes without start and end");
  if (!query.end) return query;
  if (!query.start) return Invalid("end needs a start");
  if (*query.end <= *query.start) return Invalid("end must be after start");
  // In double, because times may lie so far apart that their difference does not fit.
  const double span_ms =
      static_cast<double>(ToMs(*query.end)) - static_cast<double>(ToMs(*query.start));
  constexpr std::chrono::milliseconds kMax = limits::kStoredRangeMax;
  if (span_ms > static_cast<double>(kMax.count())) {
    return Error(ErrorCode::kTooLarge,
                 fmt::format("a stored range may span at most {} hours: ask for several, or leave "
                             "out end to follow the live edge",
                             limits::kStoredRangeMax.count()));
  }
  return query;
}

}  // namespace penstock::playback
