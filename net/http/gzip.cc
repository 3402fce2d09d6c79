#include "net/http/gzip.h"

#include <zlib.h>

namespace penstock::net {
namespace {

// A quarter of a megabyte that zlib would otherwise allocate and clear for each answer.
class Deflater {
 public:
  Deflater() {
    constexpr int kGzip = 15 + 16;  // the largest window, and gzip's envelope
    ready_ = deflateInit2(&stream_, 1, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~Deflater() {
    if (ready_) deflateEnd(&stream_);
  }
  Deflater(const Deflater&) = delete;

  std::optional<Bytes> Run(const ByteChain& plain) {
    if (!ready_ || deflateReset(&stream_) != Z_OK) return std::nullopt;
    std::vector<uint8_t> out(deflateBound(&stream_, plain.size()));
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<uInt>(out.size());
    for (const Bytes& piece : plain.pieces()) {
      // zlib's interface is not const; it does not write there.
      stream_.next_in = const_cast<Bytef*>(piece.data());
      stream_.avail_in = static_cast<uInt>(piece.size());
      if (deflate(&stream_, Z_NO_FLUSH) != Z_OK) return std::nullopt;
    }
    if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) return std::nullopt;
    out.resize(out.size() - stream_.avail_out);
    return Bytes::From(std::move(out));
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

std::optional<Bytes> GzipCompress(const ByteChain& plain) {
  // zlib counts in 32 bits; nothing near that is compressed here.
  if (plain.size() > (1u << 30)) return std::nullopt;
  thread_local Deflater deflater;
  return deflater.Run(plain);
}

}  // namespace penstock::net
