// Invariants of our own code. Active in release builds: a server that has lost track of itself must
// stop before it writes.
#pragma once

namespace penstock {

// Logs the failed condition with its place and aborts.
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

}  // namespace penstock

// One condition per line, so that the message names the one that broke.
#define CHECK(condition)                                       \
  do {                                                         \
    if (!(condition)) [[unlikely]] {                           \
      ::penstock::CheckFailed(#condition, __FILE__, __LINE__); \
    }                                                          \
  } while (false)
