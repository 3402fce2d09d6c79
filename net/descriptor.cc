#include "net/descriptor.h"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <sys/socket.h>

namespace penstock::net {
namespace asio = boost::asio;

namespace {

// The concrete executor: a type-erased one would cost an indirection per operation. Asio reads the
// real kind of socket off the descriptor; the protocol named here only matters for opening sockets,
// which we do ourselves.
using Socket =
    asio::basic_stream_socket<asio::generic::stream_protocol, asio::io_context::executor_type>;

asio::io_context& ContextOf(EventLoop& loop) {
  return *static_cast<asio::io_context*>(loop.native());
}

int ToErrno(const boost::system::error_code& error) {
  if (!error) return 0;
  // Asio's own categories (misc::eof aside, which never gets here) do not occur for socket waits
  // and reads.
  return error.category() == boost::system::system_category() ? error.value() : EIO;
}

}  // namespace

struct Descriptor::Impl {
  Impl(EventLoop& loop, int fd)
      : socket(ContextOf(loop), asio::generic::stream_protocol(AF_INET, 0), fd) {}
  Socket socket;
};

Descriptor::Descriptor(EventLoop& loop, int fd)
    : loop_(loop), fd_(fd), impl_(std::make_unique<Impl>(loop, fd)) {}
Descriptor::~Descriptor() = default;

void Descriptor::Wait::await_suspend(std::coroutine_handle<> self) {
  const auto type = what_ == For::kRead ? Socket::wait_read : Socket::wait_write;
  descriptor_.impl_->socket.async_wait(type, [this, self](const boost::system::error_code& error) {
    error_ = ToErrno(error);
    self.resume();
  });
}

void Descriptor::Read::await_suspend(std::coroutine_handle<> self) {
  descriptor_.impl_->socket.async_read_some(
      asio::buffer(out_.data(), out_.size()),
      [this, self](const boost::system::error_code& error, size_t bytes) {
        bytes_ = bytes;
        error_ = error == asio::error::eof ? 0 : ToErrno(error);
        self.resume();
      });
}

void Descriptor::Interrupt() {
  boost::system::error_code ignored;  // fails only if already closed
  impl_->socket.cancel(ignored);
}

void Descriptor::Close() {
  fd_ = -1;
  boost::system::error_code
      ignored;  // nothing is lost that the peer has not been told or was not going to be
  impl_->socket.close(ignored);
}

int Descriptor::Release() {
  fd_ = -1;
  boost::system::error_code error;
  const int fd = impl_->socket.release(error);
  return error ? -1 : fd;
}

}  // namespace penstock::net
