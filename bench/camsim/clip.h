// A clip, packetised once for all cameras that play it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace camsim {

inline constexpr size_t kInterleavedHeaderBytes = 4;
inline constexpr size_t kRtpHeaderBytes = 12;

// One track as it goes over the wire: each packet is an interleaved header ('$', channel, length),
// an RTP header and its payload, and a frame's packets follow each other. What differs between
// sessions and rounds is written into the packets before each sending; only one thread may do that.
struct ClipTrack {
  struct Packet {
    uint32_t offset;  // of the interleaved header
    uint32_t bytes;   // with it
  };
  struct Frame {
    uint32_t first_packet;
    uint32_t packets;
    bool key = false;  // nothing before it is needed to decode it
  };

  std::string codec;  // "H264", "H265" or "AAC"
  std::string sdp;    // rtpmap and fmtp lines
  uint8_t payload_type = 96;
  uint32_t clock_rate = 90'000;
  uint32_t ticks_per_frame = 0;
  mutable std::vector<uint8_t> wire;
  std::vector<Packet> packets;
  std::vector<Frame> frames;
};

struct Clip {
  std::vector<ClipTrack> tracks;  // video first
};

// An Annex B elementary stream in H.264 or H.265 (by its name: .h264, .h265) of constant frame
// rate.
penstock::Result<ClipTrack> LoadVideo(const std::string& path, uint32_t frames_per_second);
// AAC in ADTS.
penstock::Result<ClipTrack> LoadAudio(const std::string& path);

// Makes video.h264 and audio.aac in the folder unless they are there: 16 s of 1280x720, 25 frames a
// second, a key frame each 2 s, no B-frames, and 128 kbit/s of sound. Runs ffmpeg.
penstock::Status MakeClip(const std::string& folder, uint32_t kilobits_per_second);

}  // namespace camsim
