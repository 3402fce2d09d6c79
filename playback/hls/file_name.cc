#include "playback/hls/file_name.h"

#include <charconv>

#include <fmt/format.h>

namespace penstock::playback {
namespace {

constexpr std::string_view kPlaylistName = "index.m3u8";
constexpr size_t kLifeDigits = 16;

bool IsLife(std::string_view text) {
  if (text.size() != kLifeDigits) return false;
  for (const char c : text) {
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (!hex) return false;
  }
  return true;
}

bool TakeSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

bool ParseId(std::string_view text, uint64_t& id) {
  if (text.empty()) return false;
  if (text.size() > 1 && text.front() == '0') return false;  // one name only
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), id);
  return fault == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string LifeOf(const ShardId& shard) { return shard.ToString().substr(0, kLifeDigits); }

std::string FormatHlsFileName(const HlsFileName& name) {
  switch (name.kind) {
    case HlsFileName::Kind::kPlaylist:
      return std::string(kPlaylistName);
    case HlsFileName::Kind::kInit:
      return fmt::format("{}-i{}.mp4", name.life, name.id);
    case HlsFileName::Kind::kSegment:
      return fmt::format("{}-{}{}.m4s", name.life, name.id,
                         name.layout == Layout::kVerbatim ? "v" : "");
    case HlsFileName::Kind::kTransportSegment:
      return fmt::format("{}-{}.ts", name.life, name.id);
  }
  return {};
}

Result<HlsFileName> ParseHlsFileName(std::string_view text) {
  if (text == kPlaylistName) return HlsFileName();
  const auto unknown = [] {
    return Error(ErrorCode::kNotFound, "no such file; a stream's playlist is index.m3u8");
  };

  HlsFileName name;
  std::string_view rest = text;
  const size_t dash = rest.find('-');
  if (dash == std::string_view::npos || !IsLife(rest.substr(0, dash))) return unknown();
  name.life = rest.substr(0, dash);
  rest.remove_prefix(dash + 1);

  if (TakeSuffix(rest, ".mp4")) {
    if (rest.empty() || rest.front() != 'i') return unknown();
    rest.remove_prefix(1);
    name.kind = HlsFileName::Kind::kInit;
  } else if (TakeSuffix(rest, ".m4s")) {
    name.kind = HlsFileName::Kind::kSegment;
    if (TakeSuffix(rest, "v")) name.layout = Layout::kVerbatim;
  } else if (TakeSuffix(rest, ".ts")) {
    name.kind = HlsFileName::Kind::kTransportSegment;
  } else {
    return unknown();
  }
  if (!ParseId(rest, name.id)) return unknown();
  return name;
}

}  // namespace penstock::playback
