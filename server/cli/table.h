// Columns for people.
#pragma once

#include <string>
#include <vector>

namespace penstock::server {

// The first row is the heading. Columns are as wide as their widest cell, counted in characters;
// the last one is not padded.
std::string FormatTable(const std::vector<std::vector<std::string>>& rows);

// "3 s", "12 min", "5 h", "3 d": the two digits that matter.
std::string FormatSpan(int64_t ms);
// "2.1 Mbit/s"
std::string FormatBitrate(uint64_t bits_per_second);

}  // namespace penstock::server
