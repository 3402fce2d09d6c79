// Counters that wrap on the wire, continued without wrapping.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

namespace penstock::ingest::rtp {

// Each value is taken as the continuation nearest to the one before: less than half of the range
// ahead, or at most half of it behind. The reference follows every value, late ones too, so that a
// clock that is set back goes on from there.
template <class Wire>
class Unwrapper {
 public:
  // Continues at `wire`; the first one is taken as it is.
  int64_t Next(Wire wire) {
    last_ = Near(wire);
    return *last_;
  }
  // What Next would say, without moving.
  int64_t Near(Wire wire) const {
    if (!last_) return wire;
    using Signed = std::make_signed_t<Wire>;
    return *last_ + static_cast<Signed>(static_cast<Wire>(wire - static_cast<Wire>(*last_)));
  }
  bool started() const { return last_.has_value(); }

 private:
  std::optional<int64_t> last_;
};

using SequenceUnwrapper = Unwrapper<uint16_t>;
using TimestampUnwrapper = Unwrapper<uint32_t>;

}  // namespace penstock::ingest::rtp
