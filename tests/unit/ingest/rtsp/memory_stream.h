// A TCP connection without a network, for conversations on a simulated executor.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "net/tcp.h"

namespace penstock::ingest::rtsp {

// Two ends; what one writes the other reads, in pieces of at most `piece` bytes. A write waits
// while the other end has `window` bytes unread. One executor, one thread.
class MemoryStream final : public net::TcpStream {
 public:
  struct Options {
    size_t piece = 1 << 20;
    size_t window = 1 << 20;
    net::Endpoint first{"10.0.0.1", 40000};
    net::Endpoint second{"10.0.0.7", 554};
  };
  static std::pair<std::unique_ptr<MemoryStream>, std::unique_ptr<MemoryStream>> MakePair(
      Options options) {
    auto wire = std::make_shared<Wire>();
    wire->options = options;
    return std::pair(std::unique_ptr<MemoryStream>(new MemoryStream(wire, 0)),
                     std::unique_ptr<MemoryStream>(new MemoryStream(wire, 1)));
  }
  ~MemoryStream() override { Close(); }

  Task<Result<size_t>> Read(std::span<uint8_t> out) override {
    Side& me = side();
    for (;;) {
      if (me.closed) co_return Error(ErrorCode::kCancelled, "closed");
      if (!me.inbox.empty()) break;
      if (other().closed) co_return Error(ErrorCode::kClosed, "the peer closed the connection");
      co_await Changed(me.reader);
    }
    const size_t n = std::min({out.size(), me.inbox.size(), wire_->options.piece});
    std::memcpy(out.data(), me.inbox.data(), n);
    me.inbox.erase(0, n);
    Wake(other().writer);
    co_return n;
  }
  Task<Status> Write(ByteChain bytes) override {
    for (const Bytes& piece : bytes.pieces()) {
      while (!side().closed && !other().closed && other().inbox.size() >= wire_->options.window) {
        co_await Changed(side().writer);
      }
      if (side().closed) co_return Error(ErrorCode::kCancelled, "closed");
      if (other().closed) co_return Error(ErrorCode::kUnavailable, "connection reset");
      other().inbox.append(piece.text());
      written_ += piece.size();
      Wake(other().reader);
    }
    co_return Status();
  }
  Task<Status> WriteMore(ByteChain bytes) override { return Write(std::move(bytes)); }
  uint64_t bytes_written() const override { return written_; }
  void Interrupt() override { Close(); }
  Task<Status> SendFile(FileSlice) override {
    co_return Error(ErrorCode::kUnsupported, "not here");
  }
  void Close() override {
    side().closed = true;
    for (Side& s : wire_->sides) {
      Wake(s.reader);
      Wake(s.writer);
    }
  }
  void ShutdownWrite() override {}
  Result<std::unique_ptr<net::TcpStream>> MoveTo(net::EventLoop&) override {
    return Error(ErrorCode::kUnsupported, "not here");
  }
  net::Endpoint peer() const override {
    return index_ == 0 ? wire_->options.second : wire_->options.first;
  }
  net::Endpoint local() const override {
    return index_ == 0 ? wire_->options.first : wire_->options.second;
  }
  net::EventLoop& loop() override {
    CHECK(false);  // There is none.
    std::abort();
  }
  size_t readable() const override { return wire_->sides[index_].inbox.size(); }

 private:
  struct Side {
    std::string inbox;
    bool closed = false;
    std::optional<Oneshot<Unit>> reader;
    std::optional<Oneshot<Unit>> writer;
  };
  struct Wire {
    Options options;
    Side sides[2];
  };

  MemoryStream(std::shared_ptr<Wire> wire, size_t index) : wire_(std::move(wire)), index_(index) {}
  Side& side() { return wire_->sides[index_]; }
  Side& other() { return wire_->sides[1 - index_]; }
  static Task<void> Changed(std::optional<Oneshot<Unit>>& waiter) {
    waiter.emplace();
    const Oneshot<Unit> changed = *waiter;
    co_await changed;
  }
  static void Wake(std::optional<Oneshot<Unit>>& waiter) {
    if (!waiter) return;
    const Oneshot<Unit> changed = *std::exchange(waiter, std::nullopt);
    changed.Set(Unit());
  }

  const std::shared_ptr<Wire> wire_;
  const size_t index_;
  uint64_t written_ = 0;
};

}  // namespace penstock::ingest::rtsp
