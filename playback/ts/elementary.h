// Frames as transport streams carry them: pictures as byte streams (H.264 and H.265, Annex B of
// both), sound with a header for each unit (ADTS; ISO/IEC 13818-7, 6.2).
#pragma once

#include <array>
#include <deque>
#include <vector>

#include "base/bytes.h"
#include "base/chain_view.h"
#include "base/result.h"
#include "fragmenter/codec/parameter_sets.h"
#include "fragmenter/media.h"

namespace penstock::playback::ts {

// What goes into one PES packet: pieces that lie elsewhere. Made anew for each.
struct Payload {
  std::vector<ByteSpan> pieces;
  size_t bytes = 0;
  std::deque<std::array<uint8_t, 7>> heads;  // some of the pieces point here

  void Add(ByteSpan piece);
  void Add(const ChainView& chain, size_t offset, size_t size);
};

// How the pictures of a track become a byte stream. Views the track.
class PictureWrapper {
 public:
  // kCorruption: no parameter sets in its private data.
  static Result<PictureWrapper> Make(const fragmenter::TrackConfig& track);

  // An access unit: its delimiter, before a key frame the parameter sets (unless it brings its
  // own), then its NAL units. Of one whose lengths point beyond its end, what is whole; of one
  // without a whole NAL unit nothing. Requires that it lies within the chain.
  void Wrap(const ChainView& chain, const fragmenter::Frame& frame, Payload& out) const;

 private:
  PictureWrapper(fragmenter::Codec codec, fragmenter::ParameterSets sets)
      : codec_(codec), sets_(std::move(sets)) {}

  struct Unit {
    size_t offset = 0;
    size_t size = 0;
  };
  std::vector<Unit> Split(const ChainView& chain, const fragmenter::Frame& frame) const;

  fragmenter::Codec codec_;
  fragmenter::ParameterSets sets_;
};

// How the AAC of a track gets its headers.
class SoundWrapper {
 public:
  // kUnsupported: ADTS cannot say what this AAC is (another object type than Main, LC, SSR and LTP,
  // a rate that has no number, 960 samples a unit, channels that the stream describes itself).
  static Result<SoundWrapper> Make(const fragmenter::TrackConfig& track);

  uint32_t unit_samples() const { return 1024; }
  uint32_t sample_rate() const { return sample_rate_; }
  // Neither empty nor larger than a header can say.
  static bool Fits(const fragmenter::Frame& frame);
  // A unit behind its header. Requires Fits(frame).
  void Wrap(const ChainView& chain, const fragmenter::Frame& frame, Payload& out) const;

 private:
  uint32_t sample_rate_ = 0;
  uint8_t profile_ = 0;
  uint8_t rate_index_ = 0;
  uint8_t channels_ = 0;
};

}  // namespace penstock::playback::ts
