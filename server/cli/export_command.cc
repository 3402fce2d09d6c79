#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <unistd.h>

#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/config/units.h"

namespace penstock::server {
namespace {

using std::chrono::milliseconds;

uint64_t HeaderCount(const net::Headers& headers, std::string_view name) {
  const auto count = ParseCount(headers.Get(name));
  return count.ok() ? *count : 0;
}

// One line that is written over, on a terminal only.
class Progress {
 public:
  Progress(uint64_t total, bool quiet)
      : total_(total), shown_(!quiet && isatty(STDERR_FILENO) == 1) {}

  void Add(uint64_t bytes) {
    done_ += bytes;
    const SteadyTime now = SystemClock().SteadyNow();
    if (!shown_ || now - last_ < milliseconds(200)) return;
    last_ = now;
    Show();
  }
  void Finish() {
    if (!shown_) return;
    Show();
    std::fputc('\n', stderr);
  }
  uint64_t done() const { return done_; }

 private:
  void Show() const {
    const double seconds =
        std::chrono::duration<double>(SystemClock().SteadyNow() - begin_).count();
    const auto rate = static_cast<uint64_t>(static_cast<double>(done_) / std::max(seconds, 0.001));
    // Headers come on top of the fragments' bytes.
    const uint64_t percent = total_ == 0 ? 100 : std::min<uint64_t>(100, done_ * 100 / total_);
    std::fputs(
        fmt::format("\r{:3} %  {} of {}  {}/s   ", percent, FormatByteSize(std::min(done_, total_)),
                    FormatByteSize(total_), FormatByteSize(rate))
            .c_str(),
        stderr);
    std::fflush(stderr);
  }

  const uint64_t total_;
  const bool shown_;
  const SteadyTime begin_ = SystemClock().SteadyNow();
  SteadyTime last_{};
  uint64_t done_ = 0;
};

struct CloseFile {
  void operator()(FILE* file) const {
    if (file != stdout) std::fclose(file);
  }
};
using File = std::unique_ptr<FILE, CloseFile>;

Error Os(std::string_view file) {
  return Error(ErrorCode::kIo, fmt::format("{}: {}", file, std::strerror(errno)));
}

// Into <file>.part first, so that a file of the wanted name is a whole one.
Status Save(Client& client, const std::string& target, const std::string& name,
            Progress& progress) {
  const bool to_stdout = name == "-";
  const std::string part = name + ".part";
  const File file(to_stdout ? stdout : std::fopen(part.c_str(), "wb"));
  if (!file) return Os(part);
  const Status saved = client.Download(target, [&](Bytes piece) -> Status {
    if (std::fwrite(piece.data(), 1, piece.size(), file.get()) != piece.size())
      return Os(to_stdout ? name : part);
    progress.Add(piece.size());
    return Status();
  });
  if (!saved.ok()) {
    if (!to_stdout) std::remove(part.c_str());  // Best effort: a left-over .part is no lie.
    return saved;
  }
  if (std::fflush(file.get()) != 0) return Os(to_stdout ? name : part);
  if (!to_stdout && std::rename(part.c_str(), name.c_str()) != 0) return Os(name);
  return Status();
}

}  // namespace

int RunExport(const Args& args) {
  const auto range = RangeQuery(args);
  if (!range.ok()) return Fail(range.error());
  const std::string& stream = args.positional()[0];
  const std::string name = args.Flag("-o").value_or(stream + ".mkv");
  const std::string target =
      fmt::format("/api/v1/streams/{}/export{}", QueryEscape(stream), *range);
  Client client(DataFolder(args));
  const auto plan = client.Head(target);
  if (!plan.ok()) return Fail(plan.error());
  const uint64_t fragments = HeaderCount(*plan, "Penstock-Export-Fragments");
  const uint64_t track_sets = HeaderCount(*plan, "Penstock-Export-Track-Sets");
  if (track_sets > 1) {
    std::fputs(fmt::format("penstock: the camera changed its format within this range: the file is "
                           "{} Matroska documents "
                           "in a row\n",
                           track_sets)
                   .c_str(),
               stderr);
  }
  Progress progress(HeaderCount(*plan, "Penstock-Export-Bytes"), args.Switch("--quiet"));
  const Status saved = Save(client, target, name, progress);
  progress.Finish();
  if (!saved.ok()) return Fail(saved.error());
  if (name == "-") return kDone;
  Json json;
  json.Set("file", name);
  json.Set("fragments", fragments);
  json.Set("bytes", progress.done());
  return Print(
      args, json,
      fmt::format("{}: {} fragments, {}\n", name, fragments, FormatByteSize(progress.done())));
}

}  // namespace penstock::server
