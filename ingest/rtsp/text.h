// Small things every text protocol needs. Views into the argument.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::ingest::rtsp {

bool EqualsIgnoreCase(std::string_view a, std::string_view b);
bool StartsWithIgnoreCase(std::string_view text, std::string_view prefix);
std::string_view Trim(std::string_view text);  // blanks, tabs and line ends at both sides
std::string ToLower(std::string_view text);
std::string ToUpper(std::string_view text);

// The trimmed parts between separators; quoted strings ("…") are not split. An empty text has no
// parts.
std::vector<std::string_view> Split(std::string_view text, char separator);
// Before and after the first separator; the second part is empty if there is none.
std::pair<std::string_view, std::string_view> Cut(std::string_view text, char separator);
std::string_view Unquote(std::string_view text);

// All of the text must be digits, and fit.
std::optional<uint64_t> ParseDecimal(std::string_view text);
std::optional<uint64_t> ParseHex(std::string_view text);

// For messages that quote a peer: printable ASCII, at most `bytes_max` long.
std::string Printable(std::string_view text, size_t bytes_max = 80);

}  // namespace penstock::ingest::rtsp
