// What the two layouts of a media segment cost: bytes on top of the samples, CPU to make a segment,
// and CPU of the sending thread per GB over a loopback socket. Usage: segment_bench [folder for a
// scratch file]     (docs/playback.md has results)
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/chunk_pool.h"
#include "fragmenter/mkv/cluster_writer.h"
#include "playback/mp4/media_segment.h"

namespace penstock {
namespace {

using playback::Layout;
using playback::MediaSegment;

double ThreadCpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Two seconds of a camera: 25 pictures a second, the first ten times as large, and AAC at 48 kHz.
struct TwoSeconds {
  fragmenter::TrackSet tracks;
  fragmenter::FrameTable table;
  ByteChain cluster;
  uint64_t payload_bytes = 0;

  TwoSeconds(uint32_t video_bits, uint32_t audio_bits);
  void Add(fragmenter::mkv::ClusterWriter& writer, fragmenter::Frame frame, uint32_t bytes);
};

void TwoSeconds::Add(fragmenter::mkv::ClusterWriter& writer, fragmenter::Frame frame,
                     uint32_t bytes) {
  const std::vector<uint8_t> data(bytes, 0x5a);
  frame.offset = writer.AddFrame(frame.track, 0, frame.key, data);
  frame.size = bytes;
  table.frames.push_back(frame);
  payload_bytes += bytes;
}

TwoSeconds::TwoSeconds(uint32_t video_bits, uint32_t audio_bits) {
  tracks.tracks.resize(2);
  tracks.tracks[0] = {.number = 1, .codec = fragmenter::Codec::kH264, .clock_rate = 90'000};
  tracks.tracks[1] = {.number = 2, .codec = fragmenter::Codec::kAac, .clock_rate = 48'000};
  fragmenter::mkv::ClusterWriter writer(0);
  const uint32_t picture = video_bits * 2 / 8 / 59;
  const uint32_t sound = audio_bits / 8 * 1024 / 48'000;
  int64_t audio_dts = 0;
  for (int i = 0; i < 50; ++i) {
    const int64_t dts = int64_t{i} * 3600;
    Add(writer, {.track = 1, .key = i == 0, .dts = dts, .duration = 3600},
        i == 0 ? picture * 10 : picture);
    for (; audio_dts * 90'000 < (dts + 3600) * 48'000; audio_dts += 1024) {
      Add(writer, {.track = 2, .key = true, .dts = audio_dts, .duration = 1024}, sound);
    }
  }
  cluster = writer.Finish();
}

MediaSegment Make(const TwoSeconds& clip, Layout layout) {
  return playback::MakeMediaSegment(clip.tracks, clip.table, clip.cluster.size(), 1, layout)
      .value();
}

void PrintOverhead(const char* name, const TwoSeconds& clip, Layout layout) {
  const MediaSegment segment = Make(clip, layout);
  uint64_t bytes = segment.head.size();
  for (const auto& range : segment.body) bytes += range.size;
  constexpr int kRounds = 20'000;
  const double before = ThreadCpuSeconds();
  for (int i = 0; i < kRounds; ++i) AssembleSegment(Make(clip, layout), clip.cluster);
  const double each_us = (ThreadCpuSeconds() - before) / kRounds * 1e6;
  const double extra = static_cast<double>(bytes - clip.payload_bytes);
  std::printf(
      "%-22s %-10s samples %zu  payload %7lu  head %5zu  overhead %5.2f %%  make %5.1f us\n", name,
      layout == Layout::kContiguous ? "contiguous" : "verbatim", clip.table.frames.size(),
      static_cast<unsigned long>(clip.payload_bytes), segment.head.size(),
      100.0 * extra / static_cast<double>(clip.payload_bytes), each_us);
}

// A connected pair; what arrives is thrown away by a thread.
class Drain {
 public:
  Drain() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    CHECK(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(listen(listener, 1) == 0);
    CHECK(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    sender_ = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(sender_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    const int receiver = accept(listener, nullptr, nullptr);
    close(listener);
    thread_ = std::thread([receiver] {
      std::vector<char> buffer(1 << 20);
      while (recv(receiver, buffer.data(), buffer.size(), MSG_TRUNC) > 0) continue;
      close(receiver);
    });
  }
  ~Drain() {
    close(sender_);
    thread_.join();
  }
  int fd() const { return sender_; }

 private:
  int sender_ = -1;
  std::thread thread_;
};

void SendAll(int fd, const ByteChain& bytes) {
  std::vector<iovec> rest;
  for (const Bytes& piece : bytes.pieces()) {
    rest.push_back({const_cast<uint8_t*>(piece.data()), piece.size()});
  }
  size_t first = 0;
  while (first < rest.size()) {
    const ssize_t sent = writev(fd, rest.data() + first,
                                static_cast<int>(std::min<size_t>(rest.size() - first, 1024)));
    CHECK(sent > 0);
    auto left = static_cast<size_t>(sent);
    while (first < rest.size() && left >= rest[first].iov_len) left -= rest[first++].iov_len;
    if (left == 0) continue;
    rest[first].iov_base = static_cast<char*>(rest[first].iov_base) + left;
    rest[first].iov_len -= left;
  }
}

void SendFileRange(int socket, int file, off_t offset, size_t bytes) {
  while (bytes > 0) {
    const ssize_t sent = sendfile(socket, file, &offset, bytes);
    CHECK(sent > 0);
    bytes -= static_cast<size_t>(sent);
  }
}

// Into a buffer that is used again and again, as from a pool.
ByteChain ReadCluster(int file, off_t offset, std::span<uint8_t> buffer) {
  const ssize_t got = pread(file, buffer.data(), buffer.size(), offset);
  CHECK(got == static_cast<ssize_t>(buffer.size()));
  return ByteChain(Bytes(nullptr, buffer));
}

// 256 copies of the cluster, in the page cache.
constexpr int kFileClusters = 256;
int MakeFile(const std::string& folder, const TwoSeconds& clip) {
  std::string path = folder + "/segment_bench_XXXXXX";
  const int file = mkstemp(path.data());
  CHECK(file >= 0);
  unlink(path.c_str());
  const Bytes whole = clip.cluster.Flatten();
  for (int i = 0; i < kFileClusters; ++i) {
    CHECK(write(file, whole.data(), whole.size()) == static_cast<ssize_t>(whole.size()));
  }
  return file;
}

template <class Send>
void PrintEgress(const char* name, size_t segment_bytes, Send send) {
  Drain drain;
  const auto rounds = static_cast<int>(2e9 / static_cast<double>(segment_bytes));
  const double before = ThreadCpuSeconds();
  for (int i = 0; i < rounds; ++i) send(drain.fd(), i);
  const double seconds = ThreadCpuSeconds() - before;
  const double gigabytes = static_cast<double>(segment_bytes) * rounds / 1e9;
  std::printf("%-52s %.3f CPU s/GB\n", name, seconds / gigabytes);
}

void MeasureEgress(const char* rate, const TwoSeconds& clip, const std::string& folder) {
  const int file = MakeFile(folder, clip);
  const size_t bytes = clip.cluster.size();
  const auto offset = [bytes](int i) { return static_cast<off_t>(bytes) * (i % kFileClusters); };
  std::vector<uint8_t> buffer(bytes);
  std::printf("-- %s\n", rate);
  const ByteChain ready = AssembleSegment(Make(clip, Layout::kContiguous), clip.cluster);
  PrintEgress("contiguous, cached: writev", bytes, [&](int fd, int) { SendAll(fd, ready); });
  PrintEgress("contiguous, from RAM: moof + writev", bytes, [&](int fd, int) {
    SendAll(fd, AssembleSegment(Make(clip, Layout::kContiguous), clip.cluster));
  });
  PrintEgress("contiguous, from file: pread + moof + writev", bytes, [&](int fd, int i) {
    const ByteChain cluster = ReadCluster(file, offset(i), buffer);
    SendAll(fd, AssembleSegment(Make(clip, Layout::kContiguous), cluster));
  });
  PrintEgress("verbatim, from file: moof + send + sendfile", bytes, [&](int fd, int i) {
    const MediaSegment segment = Make(clip, Layout::kVerbatim);
    CHECK(send(fd, segment.head.data(), segment.head.size(), MSG_MORE) > 0);
    SendFileRange(fd, file, offset(i), bytes);
  });
  close(file);
}

void Run(const std::string& folder) {
  const TwoSeconds usual(2'000'000, 128'000);
  const TwoSeconds thin(200'000, 32'000);
  for (const Layout layout : {Layout::kContiguous, Layout::kVerbatim}) {
    PrintOverhead("2 Mbit/s + 128 kbit/s", usual, layout);
    PrintOverhead("200 kbit/s + 32 kbit/s", thin, layout);
  }
  MeasureEgress("2 Mbit/s + 128 kbit/s", usual, folder);
  MeasureEgress("200 kbit/s + 32 kbit/s", thin, folder);
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  penstock::Run(argc > 1 ? argv[1] : "/var/tmp");
  return 0;
}
