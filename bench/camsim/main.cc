#include <charconv>
#include <cstdio>
#include <functional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "bench/camsim/clock_faults.h"
#include "bench/camsim/simulator.h"

namespace camsim {
namespace {

using penstock::Error;
using penstock::ErrorCode;
using penstock::Result;
using penstock::Status;

struct Options {
  std::string address = "127.0.0.1";
  uint32_t port = 8654;
  std::string media = "build/camsim-media";
  std::string video;  // empty: made in the folder `media`
  std::string audio;
  bool no_audio = false;
  uint32_t frames_per_second = 25;
  uint32_t kilobits_per_second = 2000;
  Studio studio;
};

struct Row {
  std::string_view name;
  std::string_view help;
  std::function<bool(std::string_view)> set;  // false: a bad value
  bool flag = false;                          // takes no value
};

std::function<bool(std::string_view)> To(std::string& target) {
  return [&target](std::string_view value) { return !(target = value).empty(); };
}

bool ParseNumber(std::string_view value, uint32_t& target) {
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), target);
  return error == std::errc() && end == value.data() + value.size();
}

std::function<bool(std::string_view)> To(uint32_t& target) {
  return [&target](std::string_view value) { return ParseNumber(value, target); };
}

std::function<bool(std::string_view)> To(std::optional<uint32_t>& target) {
  return [&target](std::string_view value) { return ParseNumber(value, target.emplace()); };
}

std::function<bool(std::string_view)> To(bool& target) {
  return [&target](std::string_view) { return target = true; };
}

std::vector<Row> Rows(Options& o) {
  Studio& studio = o.studio;
  Faults& faults = studio.faults;
  return {
      {"count", "cameras: rtsp://…/c0, /c1, …", To(studio.cameras)},
      {"address", "IPv4 address to listen at", To(o.address)},
      {"port", "RTSP port; 0 takes a free one", To(o.port)},
      {"video", "Annex B stream, .h264 or .h265", To(o.video)},
      {"audio", "AAC in ADTS", To(o.audio)},
      {"no-audio", "video only", To(o.no_audio), true},
      {"fps", "frame rate of the video", To(o.frames_per_second)},
      {"media", "folder for the clip that is made without --video", To(o.media)},
      {"kbps", "its video's bits per second / 1000", To(o.kilobits_per_second)},
      {"user", "ask for this user by Digest", To(studio.user)},
      {"password", "and this password", To(studio.password)},
      {"udp-only", "refuse TCP", To(studio.udp_only), true},
      {"tcp-only", "refuse UDP", To(studio.tcp_only), true},
      {"drop-every", "lose each n-th video packet", To(faults.drop_every)},
      {"reorder-every", "swap each n-th video packet with its neighbour", To(faults.reorder_every)},
      {"stall-video-after", "seconds; the audio goes on", To(faults.stall_video_after_seconds)},
      {"close-after", "seconds; then the connection ends", To(faults.close_after_seconds)},
      {"silent-audio", "announce audio, send none", To(faults.silent_audio), true},
      {"no-key-frames", "send none", To(faults.no_key_frames), true},
      {"fault", "a clock that is wrong, by name (below)",
       [&faults](std::string_view value) {
         return (faults.clock = FindClockFault(value)) != nullptr;
       }},
  };
}

void PrintHelp(const std::vector<Row>& rows) {
  fmt::print("Plays many RTSP cameras from one clip.\n\n  camsim [--option value]...\n\n");
  for (const Row& row : rows) fmt::print("  --{:20} {}\n", row.name, row.help);
  fmt::print("\nClocks for --fault; what happens once, happens after ten seconds:\n\n");
  for (const ClockFault& fault : ClockFaults()) fmt::print("  {:22} {}\n", fault.name, fault.help);
}

Status Parse(const std::vector<Row>& rows, const std::vector<std::string_view>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& candidate) {
      return arguments[i].starts_with("--") && arguments[i].substr(2) == candidate.name;
    });
    if (row == rows.end()) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("unknown option '{}'; see --help", arguments[i]));
    }
    if (row->flag) {
      row->set("");
    } else if (i + 1 == arguments.size() || !row->set(arguments[++i])) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("--{} needs another value; see --help", row->name));
    }
  }
  return {};
}

Status LoadClip(Options& options) {
  if (options.video.empty()) {
    const std::string folder = fmt::format("{}/{}k", options.media, options.kilobits_per_second);
    PS_TRY_VOID(MakeClip(folder, options.kilobits_per_second));
    options.video = folder + "/video.h264";
    if (options.audio.empty()) options.audio = folder + "/audio.aac";
  }
  if (options.frames_per_second == 0) return Error(ErrorCode::kInvalidArgument, "--fps is 0");
  PS_TRY(ClipTrack video, LoadVideo(options.video, options.frames_per_second));
  options.studio.clip.tracks.push_back(std::move(video));
  if (!options.no_audio && !options.audio.empty()) {
    PS_TRY(ClipTrack audio, LoadAudio(options.audio));
    options.studio.clip.tracks.push_back(std::move(audio));
  }
  return {};
}

Status Main(Options& options) {
  PS_TRY_VOID(LoadClip(options));
  Simulator simulator(std::move(options.studio));
  PS_TRY(const uint16_t port,
         simulator.Listen(options.address, static_cast<uint16_t>(options.port)));
  fmt::print("rtsp://{}:{}/c0\n", options.address, port);
  std::fflush(stdout);
  PS_TRY_VOID(simulator.Run());
  const Counts& counts = simulator.counts();
  fmt::print("{{\"sessions\":{},\"frames\":{},\"frames_lost\":{}}}\n", counts.sessions,
             counts.frames, counts.frames_lost);
  return {};
}

}  // namespace
}  // namespace camsim

int main(int argc, char** argv) {
  camsim::Options options;
  const auto rows = camsim::Rows(options);
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (!arguments.empty() && arguments[0] == "--help") {
    camsim::PrintHelp(rows);
    return 0;
  }
  auto status = camsim::Parse(rows, arguments);
  if (!status.ok()) {
    fmt::print(stderr, "camsim: {}\n", status.error().message());
    return 2;
  }
  status = camsim::Main(options);
  if (!status.ok()) {
    fmt::print(stderr, "camsim: {}\n", status.error().message());
    return 1;
  }
  return 0;
}
