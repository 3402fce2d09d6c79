// The text of a viewer token, and whatever else comes in its place: what is read has just that one
// text, what is not ours opens nothing, and of no text a whole token is left to be seen.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "server/auth/viewer_token.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock;
  using namespace penstock::server;
  static const ViewerTokens tokens{MasterKey(std::array<uint8_t, 32>{1})};
  static const StreamName stream = StreamName::Parse("door").value();
  static const ShardId shard = ShardId::FromBytes(std::array<uint8_t, 16>{7});
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  const auto token = ParseViewerToken(text);
  if (token) {
    CHECK(IsViewerToken(text));
    CHECK(FormatViewerToken(*token) == text);
    CHECK(HideViewerTokens(text) == "***");
  }
  const auto checked = tokens.Check(text, stream, shard, ServerTimeFromMs(0));
  const bool genuine =
      token &&
      tokens.Make(stream, shard,
                  ServerTimeFromMs(static_cast<int64_t>(token->expires_seconds) * 1000)) == text;
  if (!genuine) {
    CHECK(std::holds_alternative<TokenFault>(checked));
    CHECK(std::get<TokenFault>(checked).kind == TokenFault::kInvalid);
  }
  const std::string shown = HideViewerTokens(text);
  CHECK(HideViewerTokens(shown) == shown);
  for (size_t at = 0; at + kViewerTokenBytes <= shown.size(); ++at)
    CHECK(!ParseViewerToken(std::string_view(shown).substr(at, kViewerTokenBytes)));
  return 0;
}
