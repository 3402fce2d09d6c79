// What anyone may send: a playlist's query and a file name below /hls/<stream>/.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/limits.h"
#include "playback/hls/file_name.h"
#include "playback/hls/playlist_query.h"

namespace penstock::playback {
namespace {

std::vector<std::pair<std::string, std::string>> SplitPairs(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!text.empty()) {
    const size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    const size_t equals = pair.find('=');
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    pairs.emplace_back(pair.substr(0, equals), value);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return pairs;
}

void TryQuery(std::string_view text) {
  const Result<PlaylistQuery> query = ParsePlaylistQuery(SplitPairs(text));
  if (!query.ok()) {
    CHECK(!query.error().message().empty());
    return;
  }
  if (!query->end) return;
  CHECK(query->start.has_value());
  CHECK(*query->start < *query->end);
  CHECK(*query->end - *query->start <= limits::kStoredRangeMax);
}

void TryFileName(std::string_view text) {
  const Result<HlsFileName> name = ParseHlsFileName(text);
  if (name.ok()) CHECK(FormatHlsFileName(*name) == text);
}

}  // namespace
}  // namespace penstock::playback

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  penstock::playback::TryQuery(text);
  penstock::playback::TryFileName(text);
  return 0;
}
