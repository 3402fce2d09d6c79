#include "net/tcp.h"

#include <filesystem>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/net/loop_fixture.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class TcpTest : public LoopTest {};

std::string Pattern(size_t size) {
  std::string out(size, '\0');
  uint32_t x = 12345;
  for (char& c : out) {
    x = x * 1664525 + 1013904223;
    c = static_cast<char>(x >> 24);
  }
  return out;
}

FileSlice SliceOf(const std::filesystem::path& path, uint64_t offset, uint64_t size) {
  return FileSlice{std::make_shared<FileHandle>(open(path.c_str(), O_RDONLY | O_CLOEXEC)), offset,
                   size};
}

void WriteFile(const std::filesystem::path& path, const std::string& text) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), file), text.size());
  std::fclose(file);
}

// Starts the work on its own; the Oneshot gives its result.
template <class T>
Oneshot<T> Start(Task<T> task) {
  Oneshot<T> result;
  auto run = [](Task<T> inner, Oneshot<T> out) -> Task<void> {
    T value = co_await inner;
    out.Set(std::move(value));
  };
  Detach(run(std::move(task), result));
  return result;
}

TEST(EndpointTest, LoopbackIsWhatTheMachineKeepsToItself) {
  EXPECT_TRUE((Endpoint{"127.0.0.1", 1}).is_loopback());
  EXPECT_TRUE((Endpoint{"127.9.9.9", 1}).is_loopback());
  EXPECT_TRUE((Endpoint{"::1", 1}).is_loopback());
  EXPECT_TRUE((Endpoint{"/run/penstock.sock", 0}).is_loopback());
  EXPECT_FALSE((Endpoint{"128.0.0.1", 1}).is_loopback());
  EXPECT_FALSE((Endpoint{"::2", 1}).is_loopback());
  EXPECT_FALSE((Endpoint{"127.0.0.1.example.com", 1}).is_loopback());
  EXPECT_FALSE((Endpoint{"", 0}).is_loopback());
  EXPECT_EQ((Endpoint{"10.0.0.1", 80}).ToString(), "10.0.0.1:80");
  EXPECT_EQ((Endpoint{"fe80::1", 80}).ToString(), "[fe80::1]:80");
  EXPECT_EQ((Endpoint{"/run/x", 0}).ToString(), "unix:/run/x");
}

TEST_F(TcpTest, PiecesArriveInOrderAndTheEndIsSeen) {
  auto run = [](EventLoop& loop) -> Task<std::string> {
    Pair pair = co_await MakePair(loop);
    ByteChain chain;
    for (int i = 0; i < 300; ++i) chain.Append(Bytes::Copy(std::to_string(i) + ","));
    Status written = co_await pair.client->Write(chain);
    EXPECT_TRUE(written.ok());
    EXPECT_EQ(pair.client->bytes_written(), chain.size());
    pair.client->ShutdownWrite();
    Result<std::string> all = co_await ReadToEnd(*pair.server);
    co_return all.value();
  };
  std::string expected;
  for (int i = 0; i < 300; ++i) expected += std::to_string(i) + ",";
  EXPECT_EQ(Run(run(loop())), expected);
}

TEST_F(TcpTest, AWriteLargerThanEveryBufferWaitsForTheReaderAndArrivesWhole) {
  auto run = [](EventLoop& loop, std::string text) -> Task<bool> {
    Pair pair = co_await MakePair(loop);
    ByteChain chain;
    // Uneven pieces, so that the kernel's cuts fall within them.
    const Bytes whole = Bytes::From(text);
    for (size_t at = 0, step = 1; at < whole.size(); at += step, step = step * 3 % 100'003 + 1) {
      step = std::min(step, whole.size() - at);
      chain.Append(whole.Slice(at, step));
    }
    Oneshot<Status> written = Start(pair.client->Write(chain));
    Status synced = co_await Sleep(milliseconds(0));
    EXPECT_TRUE(synced.ok());
    EXPECT_FALSE(written.is_set());
    EXPECT_GT(pair.client->bytes_written(), 0u);
    Oneshot<Result<std::string>> read = Start(ReadToEnd(*pair.server));
    Status status = co_await written;
    EXPECT_TRUE(status.ok());
    pair.client->ShutdownWrite();
    Result<std::string> all = co_await read;
    co_return all.ok() && *all == text;
  };
  EXPECT_TRUE(Run(run(loop(), Pattern(30'000'000))));
}

TEST_F(TcpTest, SendFileSendsExactlyTheSlice) {
  testing::TempDir folder;
  const std::string text = Pattern(20'000'000);
  WriteFile(folder.path() / "file", text);
  auto run = [](EventLoop& loop, FileSlice slice) -> Task<std::string> {
    Pair pair = co_await MakePair(loop);
    Oneshot<Result<std::string>> read = Start(ReadToEnd(*pair.server));
    ByteChain head(Bytes::Copy("head:"));
    Status status = co_await pair.client->WriteMore(head);
    EXPECT_TRUE(status.ok());
    status = co_await pair.client->SendFile(slice);
    EXPECT_TRUE(status.ok());
    pair.client->ShutdownWrite();
    Result<std::string> all = co_await read;
    co_return all.value();
  };
  EXPECT_TRUE(Run(run(loop(), SliceOf(folder.path() / "file", 12'345, 15'000'001))) ==
              "head:" + text.substr(12'345, 15'000'001));
}

TEST_F(TcpTest, AFileThatEndsTooEarlyIsAnError) {
  testing::TempDir folder;
  WriteFile(folder.path() / "file", "short");
  auto run = [](EventLoop& loop, FileSlice slice) -> Task<Status> {
    Pair pair = co_await MakePair(loop);
    co_return co_await pair.client->SendFile(slice);
  };
  const Status status = Run(run(loop(), SliceOf(folder.path() / "file", 0, 6)));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kIo);
}

TEST_F(TcpTest, CloseEndsAPendingReadAndAPendingWrite) {
  auto run = [](EventLoop& loop) -> Task<void> {
    Pair pair = co_await MakePair(loop);
    std::vector<uint8_t> buffer(100);
    Oneshot<Result<size_t>> read = Start(pair.server->Read(buffer));
    ByteChain chain(Bytes::From(Pattern(30'000'000)));
    Oneshot<Status> write = Start(pair.server->Write(chain));
    pair.server->Close();
    pair.server->Close();
    Result<size_t> got = co_await read;
    EXPECT_EQ(got.error().code(), ErrorCode::kCancelled);
    Status written = co_await write;
    EXPECT_EQ(written.error().code(), ErrorCode::kCancelled);
    got = co_await pair.server->Read(buffer);
    EXPECT_EQ(got.error().code(), ErrorCode::kCancelled);
  };
  Run(run(loop()));
}

TEST_F(TcpTest, DestroyingAStreamEndsItsPendingRead) {
  auto run = [](EventLoop& loop) -> Task<void> {
    Pair pair = co_await MakePair(loop);
    std::vector<uint8_t> buffer(100);
    Oneshot<Result<size_t>> read = Start(pair.server->Read(buffer));
    pair.server.reset();
    Result<size_t> got = co_await read;
    EXPECT_EQ(got.error().code(), ErrorCode::kCancelled);
  };
  Run(run(loop()));
}

TEST_F(TcpTest, AnInterruptedReadLosesNothing) {
  auto run = [](EventLoop& loop) -> Task<std::string> {
    Pair pair = co_await MakePair(loop);
    std::vector<uint8_t> buffer(100);
    Oneshot<Result<size_t>> read = Start(pair.server->Read(buffer));
    pair.server->Interrupt();
    Result<size_t> got = co_await read;
    EXPECT_EQ(got.error().code(), ErrorCode::kCancelled);
    Status status = co_await WriteText(*pair.client, "still here");
    EXPECT_TRUE(status.ok());
    pair.client->ShutdownWrite();
    Result<std::string> all = co_await ReadToEnd(*pair.server);
    co_return all.value();
  };
  EXPECT_EQ(Run(run(loop())), "still here");
}

TEST_F(TcpTest, AResetIsUnavailableAndNoOrderlyEnd) {
  auto run = [](EventLoop& loop) -> Task<ErrorCode> {
    Pair pair = co_await MakePair(loop);
    Status status = co_await WriteText(*pair.server, "never read");
    EXPECT_TRUE(status.ok());
    std::vector<uint8_t> one(1);
    Result<size_t> first = co_await pair.client->Read(one);
    EXPECT_TRUE(first.ok());
    pair.client->Close();  // with bytes unread: the kernel sends a reset
    Result<std::string> all = co_await ReadToEnd(*pair.server);
    co_return all.error().code();
  };
  EXPECT_EQ(Run(run(loop())), ErrorCode::kUnavailable);
}

TEST_F(TcpTest, AMovedStreamGoesOnOnTheOtherLoop) {
  auto run = [](EventLoop& loop, EventLoop& other) -> Task<std::string> {
    Pair pair = co_await MakePair(loop);
    const uint16_t port = pair.server->peer().port;
    for (int i = 0; i < 20; ++i) {
      // Bytes that wait already while it moves, and bytes that come later.
      Status status = co_await WriteText(*pair.client, "a");
      EXPECT_TRUE(status.ok());
      EventLoop& target = i % 2 == 0 ? other : loop;
      auto moved = pair.server->MoveTo(target);
      std::vector<uint8_t> buffer(100);
      Result<size_t> left = co_await pair.server->Read(buffer);
      EXPECT_EQ(left.error().code(), ErrorCode::kCancelled);
      pair.server = std::move(moved).value();
      EXPECT_EQ(&pair.server->loop(), &target);
      SwitchTo there(target);
      co_await there;
      Result<size_t> got = co_await pair.server->Read(buffer);
      EXPECT_EQ(got.value(), 1u);
      // Moves happen on the stream's own loop.
      if (&target != &loop) {
        auto back = pair.server->MoveTo(loop);
        pair.server = std::move(back).value();
        SwitchTo home(loop);
        co_await home;
      }
    }
    EXPECT_EQ(pair.server->peer().port, port);
    Status status = co_await WriteText(*pair.client, "end");
    EXPECT_TRUE(status.ok());
    pair.client->Close();
    Result<std::string> all = co_await ReadToEnd(*pair.server);
    co_return all.value();
  };
  EXPECT_EQ(Run(run(loop(), other_loop())), "end");
}

TEST_F(TcpTest, ConnectingToAPortWhereNobodyListensIsUnavailable) {
  auto run = [](EventLoop& loop) -> Task<ErrorCode> {
    uint16_t port = 0;
    {
      auto listener = TcpListener::Listen(loop, "127.0.0.1", 0).value();
      port = listener->local().port;
    }
    auto connected =
        co_await TcpStream::Connect(loop, "127.0.0.1", port, seconds(10), CancelToken());
    co_return connected.error().code();
  };
  EXPECT_EQ(Run(run(loop())), ErrorCode::kUnavailable);
}

// A listener whose backlog is full swallows further connections on Linux, without the outside
// world.
class FullBacklog {
 public:
  FullBacklog() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd_, 0), 0);
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    for (int& filler : fillers_) {
      filler = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      (void)connect(filler, reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
  }
  ~FullBacklog() {
    for (const int filler : fillers_) close(filler);
    close(fd_);
  }
  uint16_t port() const { return port_; }

 private:
  int fd_;
  int fillers_[4];
  uint16_t port_ = 0;
};

TEST_F(TcpTest, ConnectingGivesUpInTime) {
  FullBacklog silent;
  auto run = [](EventLoop& loop, uint16_t port) -> Task<ErrorCode> {
    auto connected =
        co_await TcpStream::Connect(loop, "127.0.0.1", port, milliseconds(50), CancelToken());
    co_return connected.error().code();
  };
  EXPECT_EQ(Run(run(loop(), silent.port())), ErrorCode::kTimeout);
}

TEST_F(TcpTest, ConnectingEndsWithItsToken) {
  FullBacklog silent;
  auto run = [](EventLoop& loop, uint16_t port) -> Task<ErrorCode> {
    CancelSource source;
    loop.StartTimer(loop.SteadyNow() + milliseconds(10), [&source] { source.Cancel(); });
    auto connected =
        co_await TcpStream::Connect(loop, "127.0.0.1", port, seconds(100), source.token());
    auto again = co_await TcpStream::Connect(loop, "127.0.0.1", port, seconds(100), source.token());
    EXPECT_EQ(again.error().code(), ErrorCode::kCancelled);
    co_return connected.error().code();
  };
  EXPECT_EQ(Run(run(loop(), silent.port())), ErrorCode::kCancelled);
}

TEST_F(TcpTest, NamesAreResolvedOffTheLoop) {
  auto run = [](EventLoop& loop) -> Task<void> {
    auto listener = TcpListener::Listen(loop, "127.0.0.1", 0).value();
    auto connected = co_await TcpStream::Connect(loop, "localhost", listener->local().port,
                                                 seconds(20), CancelToken());
    EXPECT_TRUE(connected.ok());
    CancelSource source;
    loop.Post([&source] { source.Cancel(); });
    auto cancelled =
        co_await TcpStream::Connect(loop, "a name that cannot be", 1, seconds(20), source.token());
    EXPECT_FALSE(cancelled.ok());
  };
  Run(run(loop()));
}

TEST_F(TcpTest, ATakenPortIsNamedInTheError) {
  auto run = [](EventLoop& loop) -> Task<void> {
    auto listener = TcpListener::Listen(loop, "127.0.0.1", 0).value();
    auto again = TcpListener::Listen(loop, "127.0.0.1", listener->local().port);
    EXPECT_EQ(again.error().code(), ErrorCode::kAlreadyExists);
    EXPECT_NE(again.error().message().find(std::to_string(listener->local().port)),
              std::string::npos);
    auto name = TcpListener::Listen(loop, "localhost", 0);
    EXPECT_EQ(name.error().code(), ErrorCode::kInvalidArgument);
    co_return;
  };
  Run(run(loop()));
}

TEST_F(TcpTest, AnIPv6ListenerServesIPv4AndShowsItAsSuch) {
  auto run = [](EventLoop& loop) -> Task<std::string> {
    auto listener = TcpListener::Listen(loop, "::", 0);
    if (!listener.ok()) co_return "127.0.0.1";  // a machine without IPv6
    const uint16_t port = (*listener)->local().port;
    auto connected =
        co_await TcpStream::Connect(loop, "127.0.0.1", port, seconds(10), CancelToken());
    EXPECT_TRUE(connected.ok());
    auto accepted = co_await (*listener)->Accept(loop);
    co_return accepted.value()->peer().address;
  };
  EXPECT_EQ(Run(run(loop())), "127.0.0.1");
}

TEST_F(TcpTest, ClosingAListenerEndsItsAccept) {
  auto run = [](EventLoop& loop) -> Task<ErrorCode> {
    auto listener = TcpListener::Listen(loop, "127.0.0.1", 0).value();
    loop.Post([&listener] { listener->Close(); });
    auto accepted = co_await listener->Accept(loop);
    co_return accepted.error().code();
  };
  EXPECT_EQ(Run(run(loop())), ErrorCode::kCancelled);
}

TEST_F(TcpTest, AListenerOutOfDescriptorsAcceptsAgainWhenThereAreSome) {
  auto run = [](EventLoop& loop) -> Task<void> {
    auto listener = TcpListener::Listen(loop, "127.0.0.1", 0).value();
    auto connected = co_await TcpStream::Connect(loop, "127.0.0.1", listener->local().port,
                                                 seconds(10), CancelToken());
    EXPECT_TRUE(connected.ok());
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = 0;  // what is open stays open; nothing new can be opened
    setrlimit(RLIMIT_NOFILE, &none);
    Oneshot<Result<std::unique_ptr<TcpStream>>> accepted = Start(listener->Accept(loop));
    EXPECT_FALSE(accepted.is_set());
    setrlimit(RLIMIT_NOFILE, &before);
    auto stream = co_await accepted;
    EXPECT_TRUE(stream.ok());
  };
  Run(run(loop()));
}

TEST_F(TcpTest, AThousandConnectionsLeaveNoDescriptorBehind) {
  auto run = [](EventLoop& loop, EventLoop& other) -> Task<void> {
    auto listener = TcpListener::Listen(loop, "127.0.0.1", 0).value();
    for (int i = 0; i < 1000; ++i) {
      auto connected = co_await TcpStream::Connect(loop, "127.0.0.1", listener->local().port,
                                                   seconds(10), CancelToken());
      auto accepted = co_await listener->Accept(i % 2 == 0 ? loop : other);
      EXPECT_TRUE(connected.ok() && accepted.ok());
    }
  };
  auto warm = [](EventLoop& loop) -> Task<void> {
    Pair pair = co_await MakePair(loop);
    co_return;
  };
  Run(warm(loop()));
  const size_t before = OpenDescriptors();
  Run(run(loop(), other_loop()));
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(TcpTest, AFastPeerDoesNotStarveTheRestOfTheLoop) {
  auto run = [](EventLoop& loop) -> Task<void> {
    Pair pair = co_await MakePair(loop);
    ByteChain flood;
    const Bytes piece = Bytes::From(Pattern(1'000'000));
    for (int i = 0; i < 64; ++i) flood.Append(piece);
    // Both ends are on one loop: if either never gave way, the timer below could only ring at the
    // end.
    int rung = 0;
    std::function<void()> ring = [&] {
      ++rung;
      loop.Post(ring);
    };
    Oneshot<Result<std::string>> read = Start(ReadToEnd(*pair.server));
    ring();
    Status status = co_await pair.client->Write(flood);
    EXPECT_TRUE(status.ok());
    pair.client->ShutdownWrite();
    Result<std::string> all = co_await read;
    EXPECT_EQ(all.value().size(), flood.size());
    EXPECT_GT(rung, 50);
    ring = [] {};
    Status settled = co_await Sleep(milliseconds(1));
    EXPECT_TRUE(settled.ok());
  };
  Run(run(loop()));
}

TEST_F(TcpTest, AUnixSocketHasItsModeAndReplacesAStaleOne) {
  testing::TempDir folder;
  const std::string path = folder.path() / "x.sock";
  auto run = [](EventLoop& loop, std::string at) -> Task<void> {
    auto listener = TcpListener::ListenUnix(loop, at, 0600).value();
    struct stat info {};
    EXPECT_EQ(stat(at.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    auto taken = TcpListener::ListenUnix(loop, at, 0600);
    EXPECT_EQ(taken.error().code(), ErrorCode::kAlreadyExists);
    // The second one's look at whether somebody listens is a connection as well.
    auto probe = co_await listener->Accept(loop);
    EXPECT_TRUE(probe.ok());
    auto connected = co_await TcpStream::ConnectUnix(loop, at);
    auto accepted = co_await listener->Accept(loop);
    EXPECT_EQ(accepted.value()->peer().address, at);
    EXPECT_TRUE(accepted.value()->peer().is_loopback());
    Status status = co_await WriteText(*connected.value(), "hello");
    EXPECT_TRUE(status.ok());
    std::vector<uint8_t> buffer(100);
    Result<size_t> got = co_await (*accepted)->Read(buffer);
    EXPECT_EQ(got.value(), 5u);
    listener->Close();
    EXPECT_NE(stat(at.c_str(), &info), 0);
    auto gone = co_await TcpStream::ConnectUnix(loop, at);
    EXPECT_FALSE(gone.ok());
    // As left behind by a process that was killed.
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage address{};
    address.ss_family = AF_UNIX;
    memcpy(reinterpret_cast<char*>(&address) + sizeof(sa_family_t), at.c_str(), at.size());
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address),
                   static_cast<socklen_t>(sizeof(sa_family_t) + at.size() + 1)),
              0);
    close(fd);
    auto again = TcpListener::ListenUnix(loop, at, 0600);
    EXPECT_TRUE(again.ok());
    auto long_path = TcpListener::ListenUnix(loop, std::string(200, 'x'), 0600);
    EXPECT_EQ(long_path.error().code(), ErrorCode::kInvalidArgument);
  };
  Run(run(loop(), path));
}

TEST_F(TcpTest, ReadableTellsWhatWaits) {
  auto run = [](EventLoop& loop) -> Task<size_t> {
    Pair pair = co_await MakePair(loop);
    Status status = co_await WriteText(*pair.client, "12345");
    EXPECT_TRUE(status.ok());
    std::vector<uint8_t> one(1);
    Result<size_t> got = co_await pair.server->Read(one);
    EXPECT_EQ(got.value(), 1u);
    co_return pair.server->readable();
  };
  EXPECT_EQ(Run(run(loop())), 4u);
}

}  // namespace
}  // namespace penstock::net
