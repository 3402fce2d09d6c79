// Matroska, read as it streams in (RFC 8794, RFC 9559).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/result.h"

namespace penstock::fragmenter::ebml {

// One step through a document.
struct Event {
  enum class Kind {
    kOpen,   // a master element begins
    kClose,  // it has ended; of one with unknown size, because what follows cannot be in it
    kValue,  // an element with a small value, whole
    kFrame,  // a Block or SimpleBlock; its bytes follow in the stream and are not looked at
  };
  Kind kind = Kind::kOpen;
  uint32_t id = 0;
  uint64_t offset =
      0;  // of the element's first byte in the stream; for kClose of the first byte after it

  // kOpen: of its content; nothing if unknown.
  std::optional<uint64_t> size;

  // kValue. Valid until the next call.
  ByteSpan value;
  uint64_t Uint() const;  // big-endian, at most the last 8 bytes count
  double Float() const;   // 4 or 8 bytes; 0 for others

  // kFrame
  uint64_t track = 0;
  int16_t relative_time = 0;  // in timestamp scales from the cluster's time
  bool key = false;           // SimpleBlock only
  uint64_t data_offset = 0;   // in the stream
  uint64_t data_size = 0;
};

// What a reader takes of one element; more is kTooLarge.
struct Bounds {
  uint64_t value_bytes_max = limits::kCodecPrivateBytesMax;
  uint64_t frame_bytes_max = limits::kAccessUnitBytesMax;
};

// Pulls events out of bytes that come in pieces of any size; the same events for any pieces. Known
// elements are those of ids.h, others are passed over; Tags and ContentEncodings are values, whole.
// Holds at most one value. After an error it stays in error.
class Reader {
 public:
  explicit Reader(Bounds bounds = {}) : bounds_(bounds) {}

  // Takes bytes off the front of `input`. Nothing: all are taken and more are needed. kProtocol:
  // not Matroska; kUnsupported: lacing; kTooLarge: a value or frame beyond the bounds.
  Result<std::optional<Event>> Next(ByteSpan& input);

  // The stream ended here. kProtocol if an element of known size was not complete; elements of
  // unknown size end with it.
  Status Finish() const;

  // Whether the last byte taken was the last of an element.
  bool between_elements() const { return skip_ == 0 && held_.size() == taken_; }

  // Where the first byte lies that is not decided yet: it and what follows may be of an element
  // that no event has told of.
  uint64_t position() const { return position_; }

 private:
  struct Open {
    uint32_t id = 0;
    std::optional<uint64_t> end;
  };
  struct Head {
    uint32_t id = 0;
    std::optional<uint64_t> size;
    size_t bytes = 0;
  };

  Error Fail(ErrorCode code, const char* what);
  bool Gather(size_t bytes, ByteSpan& input);
  Result<std::optional<Head>> ReadHead(ByteSpan& input);
  Result<std::optional<Event>> Step(ByteSpan& input);
  Status CheckFits(const Head& head);
  Result<std::optional<Event>> OpenMaster(const Head& head);
  Result<std::optional<Event>> ReadValue(const Head& head, ByteSpan& input);
  Result<std::optional<Event>> ReadFrame(const Head& head, ByteSpan& input);
  Event Close();
  void Consume(size_t bytes);

  const Bounds bounds_;
  std::vector<Open> open_;
  std::vector<uint8_t> held_;  // from position_ on
  size_t taken_ = 0;           // of held_, given out with the last event
  uint64_t position_ = 0;      // of held_'s first byte in the stream
  uint64_t skip_ = 0;          // still to be passed over
  std::optional<Error> error_;
};

}  // namespace penstock::fragmenter::ebml
