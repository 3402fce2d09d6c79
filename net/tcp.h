// TCP (and Unix-domain) byte streams. A stream belongs to the loop it was made on; every call comes
// from that loop's thread. Errors: kClosed (orderly end by the peer, reads only), kUnavailable
// (refused, unreachable, reset), kTimeout, kCancelled (Close).
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/file_slice.h"
#include "base/task.h"
#include "net/event_loop.h"

namespace penstock::net {

struct Endpoint {
  std::string address;  // "127.0.0.1", "::1"; a path with at least one / for Unix-domain sockets;
                        // empty if not known
  uint16_t port = 0;

  bool is_unix() const { return address.find('/') != std::string::npos; }
  // Unix-domain sockets count as loopback; an endpoint that is not known does not.
  bool is_loopback() const;
  std::string ToString() const;  // "127.0.0.1:8554", "[::1]:8554", "unix:/run/x.sock"
};

class TcpStream {
 public:
  // Resolves (off the loop) and connects on the current loop, trying each address; each gets its
  // share of the time that is left.
  static Task<Result<std::unique_ptr<TcpStream>>> Connect(EventLoop& loop, std::string host,
                                                          uint16_t port,
                                                          std::chrono::milliseconds timeout,
                                                          CancelToken token);
  static Task<Result<std::unique_ptr<TcpStream>>> ConnectUnix(EventLoop& loop, std::string path);

  virtual ~TcpStream() = default;

  // At least one byte into out, at most out.size(). The memory must stay until completion.
  virtual Task<Result<size_t>> Read(std::span<uint8_t> out) = 0;
  // All pieces in order (writev). The bytes are kept alive by the chain. One write at a time.
  virtual Task<Status> Write(ByteChain bytes) = 0;
  // As Write, when another write follows at once: the kernel may hold back a packet that is not
  // full.
  virtual Task<Status> WriteMore(ByteChain bytes) = 0;
  // All of the slice by sendfile; pages that are not in memory are read by threads that may block.
  // One write at a time. kIo if the file ends before the slice does.
  virtual Task<Status> SendFile(FileSlice slice) = 0;
  // Bytes the kernel has taken so far; moves while a long write is under way.
  virtual uint64_t bytes_written() const = 0;

  // Pending calls end with kCancelled; the connection stays. After an interrupted read no byte is
  // lost; a write may be half done.
  virtual void Interrupt() = 0;
  // Pending calls end with kCancelled; the connection is gone. Idempotent. The destructor does the
  // same.
  virtual void Close() = 0;
  // No more writes; the peer sees the end.
  virtual void ShutdownWrite() = 0;
  // The same connection on another loop; this object is then empty. No call may be pending. Called
  // on the old loop.
  virtual Result<std::unique_ptr<TcpStream>> MoveTo(EventLoop& loop) = 0;

  virtual Endpoint peer() const = 0;
  virtual Endpoint local() const = 0;
  virtual EventLoop& loop() = 0;
  // Bytes the kernel has received and we have not read; 0 if unknown.
  virtual size_t readable() const = 0;
};

class TcpListener {
 public:
  // Port 0 takes a free one. kAlreadyExists if the port is taken, and says so with the port's
  // number.
  static Result<std::unique_ptr<TcpListener>> Listen(EventLoop& loop, std::string address,
                                                     uint16_t port);
  // `mode` as in chmod. A socket file that nobody listens on is replaced; Close removes ours.
  static Result<std::unique_ptr<TcpListener>> ListenUnix(EventLoop& loop, std::string path,
                                                         int mode);
  virtual ~TcpListener() = default;
  // A connection, made on `on` (which may be another loop than the listener's; then hand it over
  // there yourself). When the process is out of descriptors this waits until there are some. TCP
  // connections that would take the last ones (limits::kReservedDescriptors) are closed at once.
  // kCancelled after Close. One call at a time.
  virtual Task<Result<std::unique_ptr<TcpStream>>> Accept(EventLoop& on) = 0;
  virtual void Close() = 0;
  virtual Endpoint local() const = 0;
};

}  // namespace penstock::net
