// Connecting and accepting.
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/tcp.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/net/loop_fixture.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class TcpConnectTest : public LoopTest {};

TEST_F(TcpConnectTest, ConnectingToAPortWhereNobodyListensIsUnavailable) {
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

TEST_F(TcpConnectTest, ConnectingGivesUpInTime) {
  FullBacklog silent;
  auto run = [](EventLoop& loop, uint16_t port) -> Task<ErrorCode> {
    auto connected =
        co_await TcpStream::Connect(loop, "127.0.0.1", port, milliseconds(50), CancelToken());
    co_return connected.error().code();
  };
  EXPECT_EQ(Run(run(loop(), silent.port())), ErrorCode::kTimeout);
}

TEST_F(TcpConnectTest, ConnectingEndsWithItsToken) {
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

TEST_F(TcpConnectTest, NamesAreResolvedOffTheLoop) {
  auto run = [](EventLoop& loop) -> Task<void> {
    auto listener = TcpListener::Listen(loop, "127.0.0.1", 0).value();
    auto connected = co_await TcpStream::Connect(loop, "localhost", listener->local().port,
                                                 seconds(20), CancelToken());
    EXPECT_TRUE(connected.ok());
    CancelSource source;
    loop.Post([source]() mutable { source.Cancel(); });  // a copy: the answer may be quicker
    auto cancelled =
        co_await TcpStream::Connect(loop, "a name that cannot be", 1, seconds(20), source.token());
    EXPECT_FALSE(cancelled.ok());
  };
  Run(run(loop()));
}

TEST_F(TcpConnectTest, ATakenPortIsNamedInTheError) {
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

TEST_F(TcpConnectTest, AnIPv6ListenerServesIPv4AndShowsItAsSuch) {
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

TEST_F(TcpConnectTest, ClosingAListenerEndsItsAccept) {
  auto run = [](EventLoop& loop) -> Task<ErrorCode> {
    auto listener = TcpListener::Listen(loop, "127.0.0.1", 0).value();
    loop.Post([&listener] { listener->Close(); });
    auto accepted = co_await listener->Accept(loop);
    co_return accepted.error().code();
  };
  EXPECT_EQ(Run(run(loop())), ErrorCode::kCancelled);
}

TEST_F(TcpConnectTest, AListenerOutOfDescriptorsAcceptsAgainWhenThereAreSome) {
  auto run = [](EventLoop& loop) -> Task<void> {
    auto listener = TcpListener::Listen(loop, "127.0.0.1", 0).value();
    auto connected = co_await TcpStream::Connect(loop, "127.0.0.1", listener->local().port,
                                                 seconds(10), CancelToken());
    EXPECT_TRUE(connected.ok());
    // Once with descriptors: UBSan opens a pipe when it meets a type for the first time.
    CancelSource source;
    Status slept = co_await Sleep(milliseconds(1), source.token());
    EXPECT_TRUE(slept.ok());
    Oneshot<Result<std::unique_ptr<TcpStream>>> warm = Start(listener->Accept(loop));
    auto first = co_await warm;
    EXPECT_TRUE(first.ok());
    auto second = co_await TcpStream::Connect(loop, "127.0.0.1", listener->local().port,
                                              seconds(10), CancelToken());
    EXPECT_TRUE(second.ok());
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

TEST_F(TcpConnectTest, ConnectionsDoNotTakeTheLastDescriptorsButTheCommandLineMay) {
  testing::TempDir folder;
  auto run = [](EventLoop& loop, std::string path) -> Task<void> {
    auto tcp = TcpListener::Listen(loop, "127.0.0.1", 0).value();
    auto local = TcpListener::ListenUnix(loop, path, 0600).value();
    auto caller = co_await TcpStream::Connect(loop, "127.0.0.1", tcp->local().port, seconds(10),
                                              CancelToken());
    auto command = co_await TcpStream::ConnectUnix(loop, path);
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    rlimit few = before;
    few.rlim_cur = OpenDescriptors() + 8;  // over half of them are in use
    setrlimit(RLIMIT_NOFILE, &few);
    Oneshot<Result<std::unique_ptr<TcpStream>>> refused = Start(tcp->Accept(loop));
    EXPECT_FALSE(refused.is_set());
    auto accepted = co_await local->Accept(loop);
    EXPECT_TRUE(accepted.ok());
    std::vector<uint8_t> buffer(1);
    Result<size_t> got = co_await caller.value()->Read(buffer);
    EXPECT_FALSE(got.ok());
    setrlimit(RLIMIT_NOFILE, &before);
    auto again = co_await TcpStream::Connect(loop, "127.0.0.1", tcp->local().port, seconds(10),
                                             CancelToken());
    auto taken = co_await refused;
    EXPECT_TRUE(taken.ok());
  };
  Run(run(loop(), (folder.path() / "x.sock").string()));
}

TEST_F(TcpConnectTest, AThousandConnectionsLeaveNoDescriptorBehind) {
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

TEST_F(TcpConnectTest, AUnixSocketHasItsModeAndReplacesAStaleOne) {
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

}  // namespace
}  // namespace penstock::net
