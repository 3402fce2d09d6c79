#include <charconv>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "bench/mediasim/consumer.h"
#include "bench/mediasim/player.h"
#include "bench/mediasim/producer.h"

namespace mediasim {
namespace {

using penstock::Error;
using penstock::ErrorCode;
using penstock::Status;
using std::chrono::microseconds;
using std::chrono::seconds;

constexpr std::string_view kHelp = R"(Many clients of Amazon's API in one thread.

  mediasim produce --port P --streams N [--name s] [--kbps 2000] [--fps 25] [--gop 50] [--fragments F]
      PutMedia to s0, s1, ... in real time; with --fragments so many each, as fast as they are taken
  mediasim consume --port P --stream s0 --count N [--from NOW]
      GetMedia; from EARLIEST or another start they note no ages
  mediasim play
      URLs of HLS sessions from standard input, one a line, then an empty one

All take --warm SECONDS (3) and --seconds SECONDS (10). "measuring" is printed when it is warm, and at
the end a line of JSON with milliseconds; then a line, or the end, of standard input is awaited.
)";

struct Options {
  std::string role;
  uint64_t streams = 1;
  uint64_t count = 1;
  uint64_t warm = 3;
  uint64_t seconds = 10;
  std::string name = "s";
  std::string stream = "s0";
  std::string from = "NOW";
  ProducerOptions producer;
};

bool ParseNumber(std::string_view text, uint64_t& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failure == std::errc() && end == text.data() + text.size();
}

Status Parse(int argc, char** argv, Options& o) {
  if (argc > 1) o.role = argv[1];
  for (int i = 2; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
    if (name == "--name") o.name = value;
    if (name == "--stream") o.stream = value;
    if (name == "--from") o.from = value;
    if (name == "--name" || name == "--stream" || name == "--from") continue;
    uint64_t number = 0;
    if (!ParseNumber(value, number))
      return Error(ErrorCode::kInvalidArgument, fmt::format("{} needs a number", name));
    const auto small = static_cast<uint32_t>(number);
    if (name == "--port")
      o.producer.port = static_cast<uint16_t>(number);
    else if (name == "--streams")
      o.streams = number;
    else if (name == "--count")
      o.count = number;
    else if (name == "--warm")
      o.warm = number;
    else if (name == "--seconds")
      o.seconds = number;
    else if (name == "--kbps")
      o.producer.kilobits_per_second = small;
    else if (name == "--fps")
      o.producer.frames_per_second = small;
    else if (name == "--gop")
      o.producer.frames_per_fragment = small;
    else if (name == "--fragments")
      o.producer.fragments = small;
    else
      return Error(ErrorCode::kInvalidArgument, fmt::format("unknown option {}", name));
  }
  return {};
}

using Actors = std::vector<std::unique_ptr<Actor>>;

Status StartProducers(const Options& o, Loop& loop, Figures& figures, Actors& actors, Time now) {
  for (uint64_t i = 0; i < o.streams; ++i) {
    auto producer = std::make_unique<Producer>(loop, figures, o.producer);
    // Each has its own phase, of its frames and of its fragments.
    const microseconds fragment(uint64_t{o.producer.frames_per_fragment} * 1'000'000 /
                                o.producer.frames_per_second);
    PS_TRY_VOID(producer->Start(fmt::format("{}{}", o.name, i), now + fragment * i / o.streams));
    actors.push_back(std::move(producer));
  }
  return {};
}

Status StartConsumers(const Options& o, Loop& loop, Figures& figures, Actors& actors) {
  for (uint64_t i = 0; i < o.count; ++i) {
    auto consumer = std::make_unique<Consumer>(loop, figures, o.from == "NOW");
    PS_TRY_VOID(consumer->Start(o.producer.port, o.stream, o.from));
    actors.push_back(std::move(consumer));
  }
  return {};
}

Status StartPlayers(Loop& loop, Figures& figures, Actors& actors, Time now) {
  std::vector<std::string> urls;
  for (std::string line; std::getline(std::cin, line) && !line.empty();)
    urls.push_back(std::move(line));
  for (size_t i = 0; i < urls.size(); ++i) {
    auto player = std::make_unique<Player>(loop, figures);
    PS_TRY_VOID(player->Start(urls[i], now + seconds(2) * i / urls.size()));
    actors.push_back(std::move(player));
  }
  return {};
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

Status Main(Options& o) {
  const Time now = SteadyClock::now();
  const Time warm = now + seconds(o.warm);
  Loop loop;
  Figures figures(warm);
  Actors actors;
  o.producer.first_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count();
  // What is made faster than it would be taken is of the past.
  o.producer.first_ms -= int64_t{1000} * o.producer.fragments * o.producer.frames_per_fragment /
                         o.producer.frames_per_second;
  if (o.role == "produce") PS_TRY_VOID(StartProducers(o, loop, figures, actors, now));
  if (o.role == "consume") PS_TRY_VOID(StartConsumers(o, loop, figures, actors));
  if (o.role == "play") PS_TRY_VOID(StartPlayers(loop, figures, actors, now));
  if (actors.empty()) return Error(ErrorCode::kInvalidArgument, std::string(kHelp));
  if (o.producer.fragments > 0) {
    while (figures.done < actors.size()) PS_TRY_VOID(loop.Run(Time::max()));
    return {};
  }
  PS_TRY_VOID(loop.Run(warm));
  const double cpu = CpuSeconds();
  const Time began = SteadyClock::now();
  fmt::print("measuring\n");
  std::fflush(stdout);
  PS_TRY_VOID(loop.Run(began + seconds(o.seconds)));
  const double took = std::chrono::duration<double>(SteadyClock::now() - began).count();
  fmt::print("{{\"cpu_percent\":{:.1f},\"bytes\":{},\"things\":{},\"late\":{},{},{},{}}}\n",
             100 * (CpuSeconds() - cpu) / took, figures.bytes, figures.things, figures.late,
             Quantiles("fragment_ms", figures.fragment_ms), Quantiles("frame_ms", figures.frame_ms),
             Quantiles("playlist_ms", figures.playlist_ms));
  std::fflush(stdout);
  // Whoever measures looks at the server before everyone leaves.
  std::getchar();
  return {};
}

}  // namespace
}  // namespace mediasim

int main(int argc, char** argv) {
  mediasim::Options options;
  penstock::Status status = mediasim::Parse(argc, argv, options);
  if (status.ok()) status = mediasim::Main(options);
  if (status.ok()) return 0;
  fmt::print(stderr, "mediasim: {}\n", status.error().message());
  return 1;
}
