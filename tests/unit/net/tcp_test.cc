#include "net/tcp.h"

#include <filesystem>

#include <fcntl.h>

#include "tests/testing/temp_dir.h"
#include "tests/unit/net/loop_fixture.h"

namespace penstock::net {
namespace {

using std::chrono::milliseconds;

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
