// Linear samples to AAC-LC. The only file that knows the encoder is its .cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::playback {

// One thread at a time. About 100 KB while it lives; no thread of its own.
class AacEncoder {
 public:
  static constexpr int64_t kUnitSamples = 1024;
  // What a decoder gives out of unit k began so many samples before what was put in for it:
  //
  //   decoded[n] = put[n - kDelaySamples]
  static constexpr int64_t kDelaySamples = 1600;

  // kUnsupported: no AAC has this rate, or this number of channels (1 or 2).
  static Result<std::unique_ptr<AacEncoder>> Make(uint32_t sample_rate, uint32_t channels);
  ~AacEncoder();
  AacEncoder(const AacEncoder&) = delete;
  AacEncoder& operator=(const AacEncoder&) = delete;

  // A raw_data_block. Requires kUnitSamples for each channel, interleaved.
  Result<Bytes> Encode(std::span<const int16_t> samples);

  // AudioSpecificConfig of what comes out; kUnsupported as Make.
  static Result<Bytes> Config(uint32_t sample_rate, uint32_t channels);

 private:
  struct Impl;
  explicit AacEncoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::playback
