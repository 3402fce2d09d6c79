#include "server/wire/patterns.h"

#include <algorithm>

namespace penstock::server::wire {
namespace {

template <class Predicate>
bool All(std::string_view text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

// The text before the next `separator`; `rest` moves behind it. False if there is none.
bool Take(std::string_view& rest, char separator, std::string_view& out) {
  const size_t at = rest.find(separator);
  if (at == std::string_view::npos) return false;
  out = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return true;
}

// "arn:<partition>:<service>:<region>:<account>:"; the rest stays in `text`.
bool TakeArn(std::string_view& text, std::string_view service) {
  const auto lower_words = [](std::string_view part) {
    return !part.empty() && All(part, [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; });
  };
  std::string_view arn, partition, found, region, account;
  if (!Take(text, ':', arn) || arn != "arn") return false;
  if (!Take(text, ':', partition) || !lower_words(partition)) return false;
  if (!Take(text, ':', found) || found != service) return false;
  if (!Take(text, ':', region) || !lower_words(region)) return false;
  return Take(text, ':', account) && !account.empty() && All(account, IsDigit);
}

bool IsMediaWord(std::string_view text) {
  return !text.empty() && All(text, [](char c) {
    return IsAlphanumeric(c) || c == '_' || c == '-' || c == '.' || c == '+';
  });
}

}  // namespace

bool IsName(std::string_view text) {
  return !text.empty() &&
         All(text, [](char c) { return IsAlphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

bool IsWord(std::string_view text) { return !text.empty() && All(text, IsAlphanumeric); }

bool IsDigits(std::string_view text) { return !text.empty() && All(text, IsDigit); }

bool IsBase64(std::string_view text) {
  return All(text, [](char c) { return IsAlphanumeric(c) || c == '+' || c == '/' || c == '='; });
}

bool IsVideoArn(std::string_view text) {
  std::string_view kind, name;
  if (!TakeArn(text, "kinesisvideo")) return false;
  if (!Take(text, '/', kind) || kind.empty() || !All(kind, IsLower)) return false;
  if (!Take(text, '/', name) || !IsName(name)) return false;
  return IsDigits(text);
}

bool IsHubArn(std::string_view text) {
  std::string_view kind;
  return TakeArn(text, "iot") && Take(text, '/', kind) && kind == "thing" && IsName(text);
}

bool IsSecretArn(std::string_view text) {
  std::string_view kind;
  return TakeArn(text, "secretsmanager") && Take(text, ':', kind) && kind == "secret" &&
         IsName(text);
}

bool IsDestinationUri(std::string_view text) {
  std::string_view scheme;
  if (!Take(text, ':', scheme) || !IsFormatValue(scheme)) return false;
  if (text.substr(0, 2) == "//") text.remove_prefix(2);
  const size_t slash = text.find('/');
  if (text.empty() || slash == 0) return false;
  return slash == std::string_view::npos || text.find('*', slash) == std::string_view::npos;
}

// Amazon's pattern has no place for a path without a host, and Amazon none for a folder.
bool IsImageUri(std::string_view text) {
  return text.starts_with("file:///") || IsDestinationUri(text);
}

bool IsRegionName(std::string_view text) {
  std::string_view word;
  int words = 0;
  for (; Take(text, '-', word); ++words) {
    if (word.empty() || !All(word, IsLower)) return false;
  }
  return (words == 2 || words == 3) && text.size() == 1 && IsDigits(text);
}

bool IsFormatValue(std::string_view text) {
  return !text.empty() && All(text, [](char c) { return IsAlphanumeric(c) || c == '_'; });
}

bool IsOneLine(std::string_view text) { return text.find('\n') == std::string_view::npos; }

bool IsMediaTypes(std::string_view text) {
  while (true) {
    const std::string_view type = text.substr(0, text.find(','));
    const size_t slash = type.find('/');
    if (slash == std::string_view::npos) return false;
    if (!IsMediaWord(type.substr(0, slash)) || !IsMediaWord(type.substr(slash + 1))) return false;
    if (type.size() == text.size()) return true;
    text.remove_prefix(type.size() + 1);
  }
}

// Beyond ASCII every character passes: telling letters and digits of all scripts from symbols would
// need Unicode's tables, and nobody is hurt by a symbol in a tag.
bool IsTagText(std::string_view text) {
  return All(text, [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 || IsAlphanumeric(c) ||
           std::string_view(" _.:/=+-@").find(c) != std::string_view::npos;
  });
}

bool IsAnyLine(std::string_view text) {
  return !text.empty() && text.find_first_of("\r\n") == std::string_view::npos;
}

}  // namespace penstock::server::wire
