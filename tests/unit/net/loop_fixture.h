// A loop or two with real sockets on loopback, for tests that are coroutines.
#pragma once

#include <dirent.h>
#include <gtest/gtest.h>

#include "base/task.h"
#include "net/event_loop.h"
#include "net/tcp.h"

namespace penstock::net {

class LoopTest : public ::testing::Test {
 protected:
  // Runs a coroutine to its end on the first loop.
  template <class T>
  T Run(Task<T> task) {
    return SyncWait(RunOn(loops_[0], std::move(task)));
  }
  EventLoop& loop() { return loops_[0]; }
  EventLoop& other_loop() { return loops_[1]; }

  EventLoops loops_{2};
};

// Two ends of one connection, both on the listener's loop.
struct Pair {
  std::unique_ptr<TcpStream> client;
  std::unique_ptr<TcpStream> server;
};

inline Task<Pair> MakePair(EventLoop& loop) {
  auto listener = TcpListener::Listen(loop, "127.0.0.1", 0).value();
  auto connected = co_await TcpStream::Connect(loop, "127.0.0.1", listener->local().port,
                                               std::chrono::seconds(10), CancelToken());
  auto accepted = co_await listener->Accept(loop);
  Pair pair;
  pair.client = std::move(connected).value();
  pair.server = std::move(accepted).value();
  co_return pair;
}

// Everything until the peer's orderly end, or the error.
inline Task<Result<std::string>> ReadToEnd(TcpStream& stream) {
  std::string all;
  std::vector<uint8_t> buffer(64 * 1024);
  for (;;) {
    const Result<size_t> got = co_await stream.Read(buffer);
    if (!got.ok()) {
      if (got.error().code() == ErrorCode::kClosed) co_return all;
      co_return got.error();
    }
    all.append(reinterpret_cast<const char*>(buffer.data()), *got);
  }
}

inline Task<Status> WriteText(TcpStream& stream, std::string text) {
  ByteChain chain(Bytes::From(std::move(text)));
  co_return co_await stream.Write(chain);
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

inline size_t OpenDescriptors() {
  size_t count = 0;
  DIR* const folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

}  // namespace penstock::net
