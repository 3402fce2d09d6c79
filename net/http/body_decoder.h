// A body from the bytes of its connection, without sockets (RFC 9112, sections 6 and 7).
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "net/http/parser.h"

namespace penstock::net {

// Fed with what has arrived, says how much of it was used and which part of that is payload. The
// result does not depend on how the input was cut. Chunk extensions and trailers are checked for
// form, bounded and dropped.
class BodyDecoder {
 public:
  explicit BodyDecoder(BodyFraming framing);

  struct Step {
    size_t used = 0;   // > 0 unless the input was empty or the body is done
    ByteSpan payload;  // a part of the used input; may be empty
  };
  // kProtocol if the framing is broken; the connection cannot be used further then.
  Result<Step> Next(ByteSpan input);
  bool done() const { return state_ == State::kDone; }
  // The peer closed the connection: whether the body ended with that.
  bool may_end_here() const { return done() || framing_.kind == BodyFraming::Kind::kUntilClose; }

 private:
  enum class State {
    kPayload,
    kSize,
    kExtension,
    kSizeLf,
    kDataCr,
    kDataLf,
    kTrailer,
    kTrailerLf,
    kDone
  };

  Step TakePayload(ByteSpan input);
  Status TakeByte(uint8_t byte);
  Status TakeSizeByte(uint8_t byte);
  Status TakeTrailerByte(uint8_t byte);

  BodyFraming framing_;
  State state_ = State::kPayload;
  uint64_t left_ = 0;          // payload bytes of the body or the chunk still to come
  int digits_ = 0;             // of the chunk's size
  size_t overhead_bytes_ = 0;  // of this chunk's extension, or of the trailers
  size_t line_bytes_ = 0;      // of the trailer line
};

}  // namespace penstock::net
