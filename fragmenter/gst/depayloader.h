// RTP in, access units out, by GStreamer's depayloaders and parsers driven without threads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fragmenter/media.h"

namespace penstock::fragmenter::gst {

// Must be called once before anything else here; thread-safe.
void InitOnce();

// How a track's RTP is packed, from SDP (RFC 8866; RFC 6184, 7798, 3640, 6416).
struct RtpFormat {
  std::string encoding_name;  // upper case: "H264", "H265", "MPEG4-GENERIC", "MP4A-LATM"
  uint8_t payload_type = 96;
  uint32_t clock_rate = 90'000;
  uint32_t channels = 0;
  std::vector<std::pair<std::string, std::string>> fmtp;  // "sprop-parameter-sets" -> "…"
};

// Whether Make would work: kUnsupported names the codec.
Status CheckSupported(const RtpFormat& format);

// One track's chain: RTP source pad -> depayloader -> parser -> sink pad. No threads, queues or
// clocks: Push runs the elements on the caller's thread and the callbacks are called from within
// it. One thread at a time.
class Depayloader {
 public:
  struct Callbacks {
    // The decoder configuration became known or changed; before the first access unit that needs
    // it.
    std::function<void(TrackConfig)> on_config;
    std::function<void(AccessUnit)> on_unit;
  };

  // `track` is put into every TrackConfig and AccessUnit.
  static Result<std::unique_ptr<Depayloader>> Make(const RtpFormat& format, uint32_t track,
                                                   Callbacks callbacks);
  virtual ~Depayloader() = default;

  // One whole RTP packet (header included), in sequence order. `timestamp` is its RTP time
  // unwrapped to 64 bits; `lost_before`: packets are missing before it. Never fails for bad
  // payload: what cannot be read is dropped and counted.
  virtual void Push(const Bytes& packet, int64_t timestamp, bool lost_before,
                    ServerTime received) = 0;
  // Gives out what is still held.
  virtual void Flush() = 0;
  // Payload errors the elements reported so far; the last one in words.
  virtual uint64_t errors() const = 0;
  virtual std::string last_error() const = 0;
};

}  // namespace penstock::fragmenter::gst
