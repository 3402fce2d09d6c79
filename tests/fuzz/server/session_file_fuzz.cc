// The files of playback sessions, as anyone with a token may ask for them: a file's name, then its
// query, line by line.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "server/api/session_names.h"

namespace {

using namespace penstock;
using namespace penstock::server;
using playback::HlsFileName;

std::string_view TakeLine(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(line.size() == rest.size() ? rest.size() : line.size() + 1);
  return line;
}

// A name that is read is one that the open door's files have as well.
void CheckName(const HlsFileName& name) {
  const auto again = playback::ParseHlsFileName(playback::FormatHlsFileName(name));
  CHECK(again.ok());
  CHECK(again->id == name.id);
  CHECK(again->kind == name.kind);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view file = TakeLine(rest);
  QueryPairs query;
  while (!rest.empty() && query.size() < 64) {
    const std::string_view line = TakeLine(rest);
    const size_t equals = line.find('=');
    query.emplace_back(line.substr(0, equals),
                       equals == std::string_view::npos ? "" : line.substr(equals + 1));
  }
  const ShardId shard = ShardId::Parse("0123456789abcdef0123456789abcdef").value();
  const auto hls = HlsSessionFile(query, shard, file);
  if (hls.ok()) CheckName(*hls);
  if (!hls.ok()) CHECK(!hls.error().message().empty());
  const auto dash = DashSessionFile(query, shard, file);
  if (dash.ok()) {
    CHECK(dash->track != 0);
    CheckName(dash->name);
  }
  if (!dash.ok()) CHECK(!dash.error().message().empty());
  return 0;
}
