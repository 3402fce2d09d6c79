#include "net/http/body_decoder.h"

#include <algorithm>

#include "base/limits.h"

namespace penstock::net {
namespace {

Error Broken(const char* what) { return Error(ErrorCode::kProtocol, what); }

bool IsText(uint8_t byte) { return (byte >= 0x20 && byte != 0x7f) || byte == '\t'; }

}  // namespace

BodyDecoder::BodyDecoder(BodyFraming framing) : framing_(framing) {
  switch (framing_.kind) {
    case BodyFraming::Kind::kNone:
      state_ = State::kDone;
      break;
    case BodyFraming::Kind::kLength:
      left_ = framing_.length;
      if (left_ == 0) state_ = State::kDone;
      break;
    case BodyFraming::Kind::kUntilClose:
      left_ = UINT64_MAX;
      break;
    case BodyFraming::Kind::kChunked:
      state_ = State::kSize;
      break;
  }
}

Result<BodyDecoder::Step> BodyDecoder::Next(ByteSpan input) {
  size_t used = 0;
  while (used < input.size() && !done()) {
    if (state_ == State::kPayload) {
      Step step = TakePayload(input.subspan(used));
      step.used += used;
      return step;
    }
    PS_TRY_VOID(TakeByte(input[used]));
    ++used;
  }
  return Step{used, {}};
}

BodyDecoder::Step BodyDecoder::TakePayload(ByteSpan input) {
  const auto take = static_cast<size_t>(std::min<uint64_t>(left_, input.size()));
  if (framing_.kind != BodyFraming::Kind::kUntilClose) left_ -= take;
  if (left_ == 0)
    state_ = framing_.kind == BodyFraming::Kind::kChunked ? State::kDataCr : State::kDone;
  return Step{take, input.first(take)};
}

Status BodyDecoder::TakeByte(uint8_t byte) {
  switch (state_) {
    case State::kSize:
    case State::kExtension:
      return TakeSizeByte(byte);
    case State::kSizeLf:
      if (byte != '\n') return Broken("a chunk's size does not end with CRLF");
      overhead_bytes_ = 0;
      digits_ = 0;
      line_bytes_ = 0;
      state_ = left_ == 0 ? State::kTrailer : State::kPayload;
      return Status();
    case State::kDataCr:
      if (byte != '\r') return Broken("a chunk is longer than its size");
      state_ = State::kDataLf;
      return Status();
    case State::kDataLf:
      if (byte != '\n') return Broken("a chunk does not end with CRLF");
      state_ = State::kSize;
      return Status();
    case State::kTrailer:
    case State::kTrailerLf:
      return TakeTrailerByte(byte);
    case State::kPayload:
    case State::kDone:
      break;
  }
  return Broken("no framing byte was expected");
}

Status BodyDecoder::TakeSizeByte(uint8_t byte) {
  if (byte == '\r') {
    if (digits_ == 0) return Broken("a chunk has no size");
    state_ = State::kSizeLf;
    return Status();
  }
  if (state_ == State::kExtension) {
    if (!IsText(byte)) return Broken("a chunk extension has a control character");
    if (++overhead_bytes_ > limits::kHttpChunkExtensionBytesMax)
      return Broken("a chunk extension is too long");
    return Status();
  }
  if (digits_ > 0 && byte == ';') {
    state_ = State::kExtension;
    return Status();
  }
  uint64_t digit = 0;
  if (byte >= '0' && byte <= '9') {
    digit = byte - '0';
  } else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f') {
    digit = static_cast<uint64_t>((byte | 0x20) - 'a' + 10);
  } else {
    return Broken("a chunk's size is not a hexadecimal number");
  }
  // 15 digits cannot overflow; nobody needs more, leading zeros included.
  if (++digits_ > 15) return Broken("a chunk's size is too long");
  left_ = left_ * 16 + digit;
  return Status();
}

Status BodyDecoder::TakeTrailerByte(uint8_t byte) {
  if (++overhead_bytes_ > limits::kHttpTrailerBytesMax) return Broken("the trailers are too long");
  if (state_ == State::kTrailerLf) {
    if (byte != '\n') return Broken("a trailer line does not end with CRLF");
    state_ = line_bytes_ == 0 ? State::kDone : State::kTrailer;
    line_bytes_ = 0;
    return Status();
  }
  if (byte == '\r') {
    state_ = State::kTrailerLf;
    return Status();
  }
  if (!IsText(byte)) return Broken("a trailer has a control character");
  ++line_bytes_;
  return Status();
}

}  // namespace penstock::net
