#include "net/tcp_stream.h"

#include <algorithm>
#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/limits.h"
#include "net/blocking.h"
#include "net/descriptor.h"

namespace penstock::net {
namespace {

// What the stream and its pending calls share: a call may outlive the object it was made on.
struct State {
  State(EventLoop& loop, int fd, Endpoint peer_endpoint)
      : descriptor(loop, fd), peer(std::move(peer_endpoint)) {}

  Descriptor descriptor;
  Endpoint peer;
  uint64_t written = 0;
  uint64_t interrupts = 0;
  size_t turn_bytes = 0;     // since the loop last had another turn
  bool more_likely = false;  // the last read filled its buffer
};

Error Cancelled() { return Error(ErrorCode::kCancelled, "the connection was closed here"); }

// Where a write of several pieces stands.
class Cursor {
 public:
  explicit Cursor(const ByteChain& bytes) : pieces_(bytes.pieces()), left_(bytes.size()) {}

  size_t left() const { return left_; }
  // As much as one sendmsg takes; returns the number of entries filled.
  size_t Fill(std::span<iovec> out) const {
    size_t count = 0;
    size_t offset = offset_;
    for (size_t i = piece_; i < pieces_.size() && count < out.size(); ++i, offset = 0) {
      // The kernel does not write through it.
      auto* base = const_cast<uint8_t*>(pieces_[i].data() + offset);
      out[count++] = iovec{base, pieces_[i].size() - offset};
    }
    return count;
  }
  void Advance(size_t bytes) {
    left_ -= bytes;
    while (bytes > 0) {
      const size_t rest = pieces_[piece_].size() - offset_;
      if (bytes < rest) {
        offset_ += bytes;
        return;
      }
      bytes -= rest;
      ++piece_;
      offset_ = 0;
    }
  }

 private:
  const std::vector<Bytes>& pieces_;
  size_t piece_ = 0;
  size_t offset_ = 0;
  size_t left_;
};

// What send, sendfile and recv have in common: bytes, or an errno; EAGAIN asks to wait.
struct Outcome {
  size_t bytes = 0;
  int error = 0;
};
Outcome ToOutcome(ssize_t result) {
  if (result >= 0) return {static_cast<size_t>(result), 0};
  return {0, errno == EWOULDBLOCK ? EAGAIN : errno};
}

Outcome SendSome(int fd, const Cursor& cursor, int flags) {
  iovec entries[128];
  msghdr message{};
  message.msg_iov = entries;
  message.msg_iovlen = cursor.Fill(entries);
  size_t filled = 0;
  for (size_t i = 0; i < message.msg_iovlen; ++i) filled += entries[i].iov_len;
  // A cut list is followed by the rest of it.
  if (filled < cursor.left()) flags |= MSG_MORE;
  return ToOutcome(sendmsg(fd, &message, flags | MSG_NOSIGNAL | MSG_DONTWAIT));
}

// Waits until the socket takes bytes again, or only lets the others of the loop have their turn.
Task<Status> WaitWritable(std::shared_ptr<State> state, bool full) {
  state->turn_bytes = 0;
  int error = 0;
  const uint64_t interrupts = state->interrupts;
  if (full) {
    Descriptor::Wait wait(state->descriptor, Descriptor::Wait::For::kWrite);
    error = co_await wait;
  } else {
    YieldTo others(state->descriptor.loop());
    co_await others;
  }
  if (!state->descriptor.is_open() || state->interrupts != interrupts) co_return Cancelled();
  if (error != 0) co_return SocketError(error, state->peer.ToString());
  co_return Status();
}

Task<Result<size_t>> ReadSome(std::shared_ptr<State> state, std::span<uint8_t> out) {
  CHECK(!out.empty());
  if (!state->descriptor.is_open()) co_return Cancelled();
  Outcome outcome{0, EAGAIN};
  // Only where more is likely: otherwise this would be one call too many, since Asio tries once
  // more before it waits.
  if (state->more_likely && state->turn_bytes < limits::kTurnBytesMax) {
    outcome = ToOutcome(recv(state->descriptor.fd(), out.data(), out.size(), MSG_DONTWAIT));
    state->turn_bytes += outcome.bytes;
  }
  if (outcome.error == EAGAIN || outcome.error == EINTR) {
    state->turn_bytes = 0;
    Descriptor::Read read(state->descriptor, out);
    outcome.error = co_await read;
    outcome.bytes = read.bytes();
    if (!state->descriptor.is_open()) co_return Cancelled();
  }
  if (outcome.error != 0) co_return SocketError(outcome.error, state->peer.ToString());
  if (outcome.bytes == 0) co_return Error(ErrorCode::kClosed, "the peer closed the connection");
  state->more_likely = outcome.bytes == out.size();
  co_return outcome.bytes;
}

Task<Status> WriteAll(std::shared_ptr<State> state, ByteChain bytes, int flags) {
  Cursor cursor(bytes);
  while (cursor.left() > 0) {
    if (!state->descriptor.is_open()) co_return Cancelled();
    const Outcome outcome = SendSome(state->descriptor.fd(), cursor, flags);
    cursor.Advance(outcome.bytes);
    state->written += outcome.bytes;
    state->turn_bytes += outcome.bytes;
    if (outcome.error != 0 && outcome.error != EAGAIN && outcome.error != EINTR) {
      co_return SocketError(outcome.error, state->peer.ToString());
    }
    const bool full = outcome.error == EAGAIN;
    if (full || (cursor.left() > 0 && state->turn_bytes > limits::kTurnBytesMax)) {
      PS_CO_TRY_VOID(co_await WaitWritable(state, full));
    }
  }
  co_return Status();
}

// At most one step, into which the file's pages have been read.
Task<Status> SendStep(std::shared_ptr<State> state, FileSlice step) {
  while (step.size > 0) {
    if (!state->descriptor.is_open()) co_return Cancelled();
    auto offset = static_cast<off_t>(step.offset);
    const Outcome outcome = ToOutcome(
        sendfile(state->descriptor.fd(), step.file->fd(), &offset, static_cast<size_t>(step.size)));
    if (outcome.error == 0 && outcome.bytes == 0) {
      co_return Error(ErrorCode::kIo, "the file ended before the bytes that were to be sent");
    }
    if (outcome.error != 0 && outcome.error != EAGAIN && outcome.error != EINTR) {
      co_return SocketError(outcome.error, state->peer.ToString());
    }
    step.offset += outcome.bytes;
    step.size -= outcome.bytes;
    state->written += outcome.bytes;
    state->turn_bytes += outcome.bytes;
    const bool full = outcome.error == EAGAIN;
    if (full || (step.size > 0 && state->turn_bytes > limits::kTurnBytesMax)) {
      PS_CO_TRY_VOID(co_await WaitWritable(state, full));
    }
  }
  co_return Status();
}

Task<Status> SendSlice(std::shared_ptr<State> state, FileSlice slice) {
  while (slice.size > 0) {
    FileSlice step = slice;
    step.size = std::min<uint64_t>(slice.size, limits::kSendFileStepMax);
    slice.offset += step.size;
    slice.size -= step.size;
    co_await FaultIn(step);
    PS_CO_TRY_VOID(co_await SendStep(state, step));
    if (slice.size > 0 && state->turn_bytes > limits::kTurnBytesMax) {
      PS_CO_TRY_VOID(co_await WaitWritable(state, false));
    }
  }
  co_return Status();
}

class SocketStream final : public TcpStream {
 public:
  SocketStream(EventLoop& loop, int fd, Endpoint peer)
      : loop_(loop), state_(std::make_shared<State>(loop, fd, std::move(peer))) {}
  ~SocketStream() override { Close(); }

  Task<Result<size_t>> Read(std::span<uint8_t> out) override { return ReadSome(state_, out); }
  Task<Status> Write(ByteChain bytes) override { return WriteAll(state_, std::move(bytes), 0); }
  Task<Status> WriteMore(ByteChain bytes) override {
    return WriteAll(state_, std::move(bytes), MSG_MORE);
  }
  Task<Status> SendFile(FileSlice slice) override { return SendSlice(state_, std::move(slice)); }
  uint64_t bytes_written() const override { return state_->written; }

  void Interrupt() override {
    ++state_->interrupts;
    if (state_->descriptor.is_open()) state_->descriptor.Interrupt();
  }
  void Close() override {
    if (state_->descriptor.is_open()) state_->descriptor.Close();
  }
  void ShutdownWrite() override {
    // Fails only where there is no peer left to tell.
    if (state_->descriptor.is_open()) ::shutdown(state_->descriptor.fd(), SHUT_WR);
  }
  Result<std::unique_ptr<TcpStream>> MoveTo(EventLoop& loop) override {
    if (!state_->descriptor.is_open()) return Cancelled();
    const int fd = state_->descriptor.Release();
    if (fd < 0)
      return Error(ErrorCode::kInternal, "the descriptor could not be taken off its loop");
    return MakeTcpStream(loop, fd, state_->peer);
  }

  Endpoint peer() const override { return state_->peer; }
  Endpoint local() const override { return LocalEndpoint(state_->descriptor.fd()); }
  EventLoop& loop() override { return loop_; }
  size_t readable() const override {
    int bytes = 0;
    if (!state_->descriptor.is_open() || ioctl(state_->descriptor.fd(), FIONREAD, &bytes) != 0)
      return 0;
    return static_cast<size_t>(std::max(bytes, 0));
  }

 private:
  EventLoop& loop_;
  std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<TcpStream> MakeTcpStream(EventLoop& loop, int fd, Endpoint peer) {
  return std::make_unique<SocketStream>(loop, fd, std::move(peer));
}

void SetTcpOptions(int fd) {
  // Best effort: a stream without them still works.
  const auto set = [fd](int level, int name, int value) {
    setsockopt(fd, level, name, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(limits::kTcpKeepAliveIdle.count()));
  set(IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(limits::kTcpKeepAliveInterval.count()));
  set(IPPROTO_TCP, TCP_KEEPCNT, limits::kTcpKeepAliveProbes);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT,
      static_cast<int>(std::chrono::milliseconds(limits::kTcpUserTimeout).count()));
}

}  // namespace penstock::net
