// Tracks and fragments for tests, laid out by the cluster writer that recording uses.
#pragma once

#include <string>
#include <vector>

#include "fragmenter/codec/g711.h"
#include "fragmenter/media.h"
#include "fragmenter/mkv/cluster_writer.h"

namespace penstock::playback {

inline Bytes FromHex(std::string_view hex) {
  std::vector<uint8_t> out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return Bytes::From(std::move(out));
}

inline std::string ToHex(ByteSpan bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

inline fragmenter::TrackConfig AacTrack(uint32_t number) {
  return {.number = number,
          .codec = fragmenter::Codec::kAac,
          .codec_private = FromHex("1190"),  // AAC-LC, 48 kHz, stereo
          .clock_rate = 48'000,
          .sample_rate = 48'000,
          .channels = 2};
}

inline fragmenter::TrackConfig AvcTrack(uint32_t number) {
  return {.number = number,
          .codec = fragmenter::Codec::kH264,
          .codec_private = FromHex("014d401fffe10004674d401f01000268ee"),
          .clock_rate = 90'000,
          .width = 1280,
          .height = 720};
}

inline fragmenter::TrackConfig TelephoneTrack(uint32_t number,
                                              fragmenter::Codec codec = fragmenter::Codec::kPcmu,
                                              uint32_t rate = 8000) {
  return {.number = number,
          .codec = codec,
          .codec_private = fragmenter::MakeWaveFormat(codec, rate, 1),
          .clock_rate = rate,
          .sample_rate = rate,
          .channels = 1};
}

// One cluster that grows frame by frame, with its table.
class FragmentBuilder {
 public:
  explicit FragmentBuilder(uint64_t timestamp_ms = 0) : writer_(timestamp_ms) {}

  FragmentBuilder& Add(fragmenter::Frame frame, ByteSpan data, int64_t relative_ms = 0) {
    frame.offset = writer_.AddFrame(frame.track, relative_ms, frame.key, data);
    frame.size = static_cast<uint32_t>(data.size());
    table.frames.push_back(frame);
    return *this;
  }
  FragmentBuilder& Add(fragmenter::Frame frame, std::string_view data) {
    return Add(frame, AsBytes(data));
  }
  ByteChain Finish() { return writer_.Finish(); }

  fragmenter::FrameTable table;

 private:
  fragmenter::mkv::ClusterWriter writer_;
};

}  // namespace penstock::playback
