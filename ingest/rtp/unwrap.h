// Counters that wrap on the wire, continued without wrapping.
#pragma once

#include <cstdint>
#include <optional>

namespace penstock::ingest::rtp {

// A counter of kBits bits: 16 and 32 in RTP, 33 in MPEG. Each value is taken as the continuation
// nearest to the one before: less than half of the range ahead, or at most half of it behind. The
// reference follows every value, late ones too, so that a clock that is set back goes on from
// there.
template <int kBits>
class Unwrapper {
  static_assert(kBits > 0 && kBits < 63);

 public:
  // Continues at `wire`, whose higher bits are not looked at; the first one is taken as it is.
  int64_t Next(uint64_t wire) {
    last_ = Near(wire);
    return *last_;
  }
  // What Next would say, without moving.
  int64_t Near(uint64_t wire) const {
    if (!last_) return static_cast<int64_t>(wire & kMask);
    const uint64_t ahead = (wire - static_cast<uint64_t>(*last_)) & kMask;
    return *last_ + static_cast<int64_t>(ahead) - (ahead > kMask / 2 ? kRange : 0);
  }
  bool started() const { return last_.has_value(); }

 private:
  static constexpr int64_t kRange = int64_t{1} << kBits;
  static constexpr uint64_t kMask = static_cast<uint64_t>(kRange) - 1;

  std::optional<int64_t> last_;
};

using SequenceUnwrapper = Unwrapper<16>;
using TimestampUnwrapper = Unwrapper<32>;
using MpegUnwrapper = Unwrapper<33>;  // PTS, DTS and PCR base (ISO/IEC 13818-1)

}  // namespace penstock::ingest::rtp
