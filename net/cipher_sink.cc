#include "net/cipher_sink.h"

#include <utility>
#include <vector>

#include <openssl/bio.h>

namespace penstock::net {
namespace {

using Buffer = std::vector<uint8_t>;

Buffer& BufferOf(BIO* sink) { return *static_cast<Buffer*>(BIO_get_data(sink)); }

int Create(BIO* sink) {
  BIO_set_data(sink, new Buffer);
  BIO_set_init(sink, 1);
  return 1;
}

int Destroy(BIO* sink) {
  delete static_cast<Buffer*>(BIO_get_data(sink));
  BIO_set_data(sink, nullptr);
  return 1;
}

int Write(BIO* sink, const char* data, size_t size, size_t* written) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(data);
  Buffer& buffer = BufferOf(sink);
  buffer.insert(buffer.end(), bytes, bytes + size);
  *written = size;
  return 1;
}

long Control(BIO* sink, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_PENDING) return static_cast<long>(BufferOf(sink).size());
  return 0;
}

// Lives as long as the program: connections may end after statics do.
const BIO_METHOD* Method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* const method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "cipher text");
    CHECK(method != nullptr);
    CHECK(BIO_meth_set_create(method, Create) == 1);
    CHECK(BIO_meth_set_destroy(method, Destroy) == 1);
    CHECK(BIO_meth_set_write_ex(method, Write) == 1);
    CHECK(BIO_meth_set_ctrl(method, Control) == 1);
    return method;
  }();
  return made;
}

}  // namespace

bio_st* MakeCipherSink() {
  BIO* const sink = BIO_new(Method());
  CHECK(sink != nullptr);
  return sink;
}

size_t PendingIn(bio_st* sink) { return BufferOf(sink).size(); }

void Reserve(bio_st* sink, size_t bytes) { BufferOf(sink).reserve(bytes); }

Bytes TakeFrom(bio_st* sink) { return Bytes::From(std::exchange(BufferOf(sink), Buffer())); }

}  // namespace penstock::net
