#include "samples/synthetic_camera/options.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace synthetic_camera {
namespace {

// One option: its name, what it means, and where its value goes (one of the two).
struct Row {
  std::string_view name;
  std::string_view help;
  std::string* text = nullptr;
  int* number = nullptr;
  int least = 0;
  int most = 0;
  std::vector<std::string_view> choices = {};
};

std::vector<Row> Rows(Options& o) {
  return {
      {.name = "address", .help = "address to listen at", .text = &o.address},
      {.name = "port",
       .help = "RTSP port; 0 takes a free one",
       .number = &o.port,
       .least = 0,
       .most = 65535},
      {.name = "path", .help = "path of the stream", .text = &o.path},
      {.name = "user", .help = "ask for this user by Digest", .text = &o.user},
      {.name = "password", .help = "and this password", .text = &o.password},
      {.name = "tls-certificate",
       .help = "speak TLS with this certificate (PEM)",
       .text = &o.tls_certificate},
      {.name = "tls-key", .help = "and this key (PEM)", .text = &o.tls_key},
      {.name = "transport",
       .help = "transports offered",
       .text = &o.transport,
       .choices = {"any", "tcp", "udp"}},
      {.name = "video",
       .help = "video codec",
       .text = &o.video,
       .choices = {"h264", "h265", "vp8", "jpeg", "none"}},
      {.name = "audio",
       .help = "audio codec",
       .text = &o.audio,
       .choices = {"aac", "latm", "opus", "pcmu", "pcma", "l16", "none"}},
      {.name = "width", .help = "pixels", .number = &o.width, .least = 160, .most = 7680},
      {.name = "height", .help = "pixels", .number = &o.height, .least = 120, .most = 4320},
      {.name = "fps",
       .help = "frames per second",
       .number = &o.frames_per_second,
       .least = 1,
       .most = 120},
      {.name = "kbps",
       .help = "bits of video per second / 1000",
       .number = &o.kilobits_per_second,
       .least = 50,
       .most = 100'000},
      {.name = "gop",
       .help = "frames from key frame to key frame",
       .number = &o.group_frames,
       .least = 1,
       .most = 1'000'000},
      {.name = "bframes",
       .help = "B-frames between two others",
       .number = &o.b_frames,
       .least = 0,
       .most = 8},
      {.name = "resize-after",
       .help = "halve width and height after so many seconds",
       .number = &o.resize_after_seconds,
       .least = 0,
       .most = 86'400},
      {.name = "for",
       .help = "end after so many seconds",
       .number = &o.run_seconds,
       .least = 0,
       .most = 1'000'000},
  };
}

std::string Default(const Row& row) {
  return row.text != nullptr ? *row.text : std::to_string(*row.number);
}

void PrintHelp(const std::vector<Row>& rows) {
  std::printf(
      "A synthetic RTSP camera with a clock in its picture.\n\n  synthetic_camera [--option "
      "value]...\n\n");
  for (const Row& row : rows) {
    std::string choices;
    for (const std::string_view choice : row.choices) {
      choices += choices.empty() ? ": " : ", ";
      choices += choice;
    }
    std::printf("  --%-15s %s%s (default: %s)\n", std::string(row.name).c_str(),
                std::string(row.help).c_str(), choices.c_str(),
                Default(row).empty() ? "none" : Default(row).c_str());
  }
}

// False if the value does not fit the row.
bool Assign(const Row& row, std::string_view value) {
  if (row.text != nullptr) {
    const auto& choices = row.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end()) {
      return false;
    }
    *row.text = value;
    return true;
  }
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return false;
  if (number < row.least || number > row.most) return false;
  *row.number = number;
  return true;
}

}  // namespace

std::optional<Options> ParseOptions(int argc, char** argv, int& exit_code) {
  Options options;
  const std::vector<Row> rows = Rows(options);
  exit_code = 2;
  for (int i = 1; i < argc; i += 2) {
    const std::string_view argument = argv[i];
    if (argument == "--help") {
      PrintHelp(rows);
      exit_code = 0;
      return std::nullopt;
    }
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& candidate) {
      return argument.starts_with("--") && argument.substr(2) == candidate.name;
    });
    if (row == rows.end()) {
      std::fprintf(stderr, "synthetic_camera: unknown option '%s'; see --help\n", argv[i]);
      return std::nullopt;
    }
    if (i + 1 == argc || !Assign(*row, argv[i + 1])) {
      std::fprintf(stderr, "synthetic_camera: '%s' needs another value; see --help\n", argv[i]);
      return std::nullopt;
    }
  }
  if (options.video == "none" && options.audio == "none") {
    std::fprintf(stderr, "synthetic_camera: neither video nor audio is left\n");
    return std::nullopt;
  }
  return options;
}

}  // namespace synthetic_camera
