#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "base/byte_io.h"
#include "net/http/target.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/config/units.h"

namespace penstock::server {
namespace {

using std::chrono::milliseconds;

Result<uint64_t> HeaderCount(const net::Headers& headers, std::string_view name) {
  auto count = ParseCount(headers.Get(name));
  if (!count.ok()) return std::move(count).error().With(std::string(name));
  return count;
}

// Counts the fragments of an MP4 as its bytes come by: ISO/IEC 14496-12, 4.2, top-level boxes.
class FragmentCounter {
 public:
  void Take(ByteSpan bytes) {
    while (!bytes.empty()) {
      const uint64_t skipped = std::min<uint64_t>(left_, bytes.size());
      left_ -= skipped;
      bytes = bytes.subspan(skipped);
      if (bytes.empty()) return;
      head_[used_++] = bytes.front();
      bytes = bytes.subspan(1);
      if (used_ < head_.size()) continue;
      used_ = 0;
      ByteReader reader{ByteSpan(head_)};
      left_ = std::max<uint64_t>(reader.Be<uint32_t>(), head_.size()) - head_.size();
      if (std::equal(head_.begin() + 4, head_.end(), "moof")) ++count_;
    }
  }
  uint64_t count() const { return count_; }

 private:
  std::array<uint8_t, 8> head_{};  // size and type of a box
  size_t used_ = 0;
  uint64_t left_ = 0;  // of the box under way
  uint64_t count_ = 0;
};

// One line that is written over, on a terminal only. Counts what can be known beforehand: bytes, or
// the fragments of an MP4, and of a Matroska file with uploads in it nothing.
class Progress {
 public:
  Progress(std::optional<uint64_t> total, bool mp4, bool quiet)
      : total_(total), mp4_(mp4), shown_(!quiet && isatty(STDERR_FILENO) == 1) {}

  void Add(ByteSpan piece) {
    bytes_ += piece.size();
    if (mp4_) fragments_.Take(piece);
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
  uint64_t bytes() const { return bytes_; }
  // What was there when the export began and did not come, if that can be known.
  std::optional<uint64_t> missing() const {
    if (!total_) return std::nullopt;
    return *total_ - std::min(done(), *total_);
  }

 private:
  uint64_t done() const { return mp4_ ? fragments_.count() : bytes_; }
  std::string Text(uint64_t amount) const {
    return mp4_ ? fmt::to_string(amount) : FormatByteSize(amount);
  }
  void Show() const {
    const double seconds =
        std::chrono::duration<double>(SystemClock().SteadyNow() - begin_).count();
    const auto rate = static_cast<uint64_t>(static_cast<double>(bytes_) / std::max(seconds, 0.001));
    std::string line = fmt::format("\r{}", Text(done()));
    if (total_) {
      const uint64_t done_now = std::min(done(), *total_);
      line = fmt::format("\r{:3} %  {} of {}{}", *total_ == 0 ? 100 : done_now * 100 / *total_,
                         Text(done_now), Text(*total_), mp4_ ? " fragments" : "");
    }
    std::fputs(fmt::format("{}  {}/s   ", line, FormatByteSize(rate)).c_str(), stderr);
    std::fflush(stderr);
  }

  const std::optional<uint64_t> total_;
  const bool mp4_;
  const bool shown_;
  const SteadyTime begin_ = SystemClock().SteadyNow();
  SteadyTime last_{};
  uint64_t bytes_ = 0;
  FragmentCounter fragments_;
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
Result<net::Headers> Save(Client& client, const std::string& target, const std::string& name,
                          Progress& progress) {
  const bool to_stdout = name == "-";
  const std::string part = name + ".part";
  const File file(to_stdout ? stdout : std::fopen(part.c_str(), "wb"));
  if (!file) return Os(part);
  auto saved = client.Download(target, [&](Bytes piece) -> Status {
    if (std::fwrite(piece.data(), 1, piece.size(), file.get()) != piece.size())
      return Os(to_stdout ? name : part);
    progress.Add(piece);
    return Status();
  });
  if (!saved.ok()) {
    if (!to_stdout) std::remove(part.c_str());  // Best effort: a left-over .part is no lie.
    return saved;
  }
  if (std::fflush(file.get()) != 0) return Os(to_stdout ? name : part);
  if (!to_stdout && std::rename(part.c_str(), name.c_str()) != 0) return Os(name);
  return saved;
}

// Players do not go from one document of a file to the next: door.mkv, door-2.mkv, ...
std::string NameOfDocument(const std::string& name, uint64_t document) {
  if (document == 1) return name;
  const std::filesystem::path path(name);
  const std::string file =
      fmt::format("{}-{}{}", path.stem().string(), document, path.extension().string());
  return (path.parent_path() / file).string();
}

struct Export {
  std::vector<std::string> files;
  uint64_t fragments = 0;
  uint64_t bytes = 0;
  std::optional<uint64_t> missing = 0;  // bytes, or fragments of an MP4; not of uploads' bytes
};

// The head fixes what is exported; the stream may go on meanwhile, and retention, too.
Result<Export> SaveAll(Client& client, const std::string& target, const std::string& range,
                       const std::string& name, bool mp4, bool quiet) {
  PS_TRY(const net::Headers plan, client.Head(target + range));
  Export out;
  PS_TRY(out.fragments, HeaderCount(plan, "Penstock-Export-Fragments"));
  std::optional<uint64_t> total;
  if (mp4) total = out.fragments;
  // Left out where uploads are among it, whose clusters may become longer or shorter.
  if (!mp4 && plan.Has("Penstock-Export-Bytes")) {
    PS_TRY(total, HeaderCount(plan, "Penstock-Export-Bytes"));
  }
  PS_TRY(uint64_t first, HeaderCount(plan, "Penstock-Export-First"));
  PS_TRY(const uint64_t last, HeaderCount(plan, "Penstock-Export-Last"));
  Progress progress(total, mp4, quiet);
  // A pipe takes all documents in a row.
  const std::string which =
      fmt::format("&format={}{}", mp4 ? "mp4" : "mkv", name == "-" ? "" : "&document=first");
  while (true) {
    out.files.push_back(NameOfDocument(name, out.files.size() + 1));
    const auto saved =
        Save(client, fmt::format("{}?first={}&last={}&damaged=skip{}", target, first, last, which),
             out.files.back(), progress);
    if (!saved.ok()) {
      progress.Finish();
      return saved.error();
    }
    if (name == "-" || saved->Get("Penstock-Export-Next").empty()) break;
    PS_TRY(first, HeaderCount(*saved, "Penstock-Export-Next"));
  }
  progress.Finish();
  out.bytes = progress.bytes();
  out.missing = progress.missing();
  return out;
}

}  // namespace

int RunExport(const Args& args) {
  const auto range = RangeQuery(args);
  if (!range.ok()) return Fail(range.error());
  const std::string& stream = args.positional()[0];
  const std::string format = args.Flag("--format").value_or("");
  const std::string name = args.Flag("-o").value_or(stream + (format == "mp4" ? ".mp4" : ".mkv"));
  if (format != "" && format != "mkv" && format != "mp4")
    return Fail(Error(ErrorCode::kInvalidArgument, "--format: mkv or mp4"));
  const bool mp4 = format == "mp4" || (format.empty() && name.ends_with(".mp4"));
  Client client(args);
  const auto saved =
      SaveAll(client, fmt::format("/api/v1/streams/{}/export", net::PercentEncode(stream)), *range,
              name, mp4, args.Switch("--quiet"));
  if (!saved.ok()) return Fail(saved.error());
  const uint64_t missing = saved->missing.value_or(0);
  if (missing > 0) {
    std::fputs(fmt::format("penstock: {} of fragments that are damaged or have expired meanwhile "
                           "were left out; the server's log names them\n",
                           mp4 ? fmt::to_string(missing) : FormatByteSize(missing))
                   .c_str(),
               stderr);
  }
  const int code = missing > 0 ? kFailed : kDone;
  if (name == "-") return code;
  Json files = Json(Json::Array());
  for (const std::string& file : saved->files) files.Push(Json(file));
  Json json;
  json.Set("file", name);
  json.Set("files", std::move(files));
  json.Set("fragments", saved->fragments);
  json.Set("bytes", saved->bytes);
  if (saved->missing) json.Set(mp4 ? "missing_fragments" : "missing_bytes", missing);
  std::string text =
      fmt::format("{}: {} fragments, {}\n", name, saved->fragments, FormatByteSize(saved->bytes));
  for (size_t i = 1; i < saved->files.size(); ++i)
    text += fmt::format("{}: from where the camera changed its format\n", saved->files[i]);
  const int printed = Print(args, json, text);
  return code == kDone ? printed : code;
}

}  // namespace penstock::server
