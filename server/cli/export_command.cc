#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
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
  // Headers come on top of the fragments' bytes, so that only a loss makes it less.
  bool lost() const { return done_ < total_; }

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

// Players do not go from one Matroska document of a file to the next: door.mkv, door-2.mkv, ...
std::string NameOfDocument(const std::string& name, uint64_t document) {
  if (document == 1) return name;
  const std::filesystem::path path(name);
  const std::string file =
      fmt::format("{}-{}{}", path.stem().string(), document, path.extension().string());
  return (path.parent_path() / file).string();
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
  Progress progress(HeaderCount(*plan, "Penstock-Export-Bytes"), args.Switch("--quiet"));
  std::vector<std::string> files;
  // A pipe takes them all in a row.
  const uint64_t parts = name == "-" ? 1 : std::max<uint64_t>(track_sets, 1);
  for (uint64_t part = 1; part <= parts; ++part) {
    files.push_back(NameOfDocument(name, part));
    std::string one = target + (range->empty() ? "?" : "&") + "damaged=skip";
    if (parts > 1) one += fmt::format("&document={}", part);
    const Status saved = Save(client, one, files.back(), progress);
    if (saved.ok()) continue;
    progress.Finish();
    return Fail(saved.error());
  }
  progress.Finish();
  if (progress.lost()) {
    std::fputs(
        "penstock: some fragments are damaged or have expired meanwhile and were left out; "
        "the server's log names them\n",
        stderr);
  }
  if (name == "-") return kDone;
  Json json;
  json.Set("file", name);
  json.Set("fragments", fragments);
  json.Set("bytes", progress.done());
  std::string text =
      fmt::format("{}: {} fragments, {}\n", name, fragments, FormatByteSize(progress.done()));
  for (size_t i = 1; i < files.size(); ++i)
    text += fmt::format("{}: from where the camera changed its format\n", files[i]);
  return Print(args, json, text);
}

}  // namespace penstock::server
