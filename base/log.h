// Structured log: a fixed phrase that can be searched for, and fields that can be counted.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace penstock::log {

enum class Level { kDebug, kInfo, kWarning, kError };

// One name=value. Shared names: stream shard fragment offset segment conn peer request_id operation
// error reason bytes latency_ms.
struct Field {
  template <class T>
  requires std::is_arithmetic_v<T> Field(std::string_view n, T v)
      : name(n), value(std::to_string(v)), quoted(false) {}
  Field(std::string_view n, bool v) : name(n), value(v ? "true" : "false"), quoted(false) {}
  Field(std::string_view n, std::string_view v) : name(n), value(v), quoted(true) {}
  Field(std::string_view n, const std::string& v) : name(n), value(v), quoted(true) {}
  Field(std::string_view n, const char* v) : name(n), value(v), quoted(true) {}

  std::string_view name;
  std::string value;
  bool quoted;
};

enum class Format { kText, kJson };

// Where it goes: standard error. Thread-safe; until the first call warnings and errors go out as
// text.
void Configure(Level least, Format format);
bool Enabled(Level level);

// Thread-safe; never throws. log::Write(log::kInfo, "segment sealed", {{"stream", name}, {"bytes",
// size}});
void Write(Level level, std::string_view event, std::initializer_list<Field> fields = {});

inline constexpr Level kDebug = Level::kDebug;
inline constexpr Level kInfo = Level::kInfo;
inline constexpr Level kWarning = Level::kWarning;
inline constexpr Level kError = Level::kError;

}  // namespace penstock::log
