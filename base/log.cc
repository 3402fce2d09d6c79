#include "base/log.h"

#include <atomic>
#include <memory>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace penstock::log {
namespace {

struct State {
  State() : logger("penstock", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger.set_pattern("%v");
    logger.set_level(spdlog::level::trace);
    logger.flush_on(spdlog::level::trace);
  }
  spdlog::logger logger;
  std::atomic<Level> least{Level::kWarning};
  std::atomic<Format> format{Format::kText};
};

State& TheState() {
  static auto* state = new State;
  return *state;
}

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "error";
}

std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out += '"';
}

std::string Timestamp() {
  using namespace std::chrono;
  const auto now = floor<milliseconds>(system_clock::now());
  const auto day = floor<days>(now);
  const year_month_day date(day);
  const hh_mm_ss time(now - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", int(date.year()),
                     unsigned(date.month()), unsigned(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

bool NeedsQuotes(const Field& field) {
  return field.quoted &&
         (field.value.empty() || field.value.find_first_of(" \"=\\\n\t") != std::string::npos);
}

}  // namespace

void Configure(Level least, Format format) {
  TheState().least = least;
  TheState().format = format;
}

bool Enabled(Level level) { return level >= TheState().least.load(std::memory_order_relaxed); }

void Write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!Enabled(level)) return;
  std::string line;
  if (TheState().format == Format::kJson) {
    line = fmt::format(R"({{"time":"{}","level":"{}","event":{})", Timestamp(), LevelName(level),
                       Quote(event));
    for (const Field& field : fields) {
      line +=
          fmt::format(",{}:{}", Quote(field.name), field.quoted ? Quote(field.value) : field.value);
    }
    line += '}';
  } else {
    line = fmt::format("{} {:7} {}", Timestamp(), LevelName(level), event);
    for (const Field& field : fields) {
      line +=
          fmt::format("  {}={}", field.name, NeedsQuotes(field) ? Quote(field.value) : field.value);
    }
  }
  TheState().logger.log(spdlog::level::info, "{}", line);
}

}  // namespace penstock::log
