#include "server/operations/page_token.h"

#include "server/auth/hex.h"

namespace penstock::server::aws {

std::string MakePageToken(std::string_view kind, const std::vector<std::string>& fields) {
  std::string text = "penstock1\n";
  text += kind;
  for (const std::string& field : fields) {
    text += '\n';
    text += field;
  }
  return ToBase64(AsBytes(text));
}

Result<std::vector<std::string>> ReadPageToken(std::string_view token, std::string_view kind,
                                               size_t fields) {
  const Error foreign(ErrorCode::kInvalidArgument, "NextToken is not one of this list.");
  const auto text = FromBase64(token);
  if (!text) return foreign;
  std::vector<std::string> parts;
  std::string_view rest = *text;
  while (true) {
    const size_t end = rest.find('\n');
    parts.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  if (parts.size() != fields + 2 || parts[0] != "penstock1" || parts[1] != kind) return foreign;
  parts.erase(parts.begin(), parts.begin() + 2);
  return parts;
}

}  // namespace penstock::server::aws
