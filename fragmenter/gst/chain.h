// A few GStreamer elements in a row, driven by function calls. GStreamer's types are only named
// here: its headers stay in .cc files.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

typedef struct _GstCaps GstCaps;      // NOLINT: GStreamer's own spelling
typedef struct _GstBuffer GstBuffer;  // NOLINT

namespace penstock::fragmenter::gst {

// What was reported by elements (and GLib) while they worked for us.
struct Complaints {
  uint64_t count = 0;
  std::string last;
  void Add(std::string text) {
    ++count;
    last = std::move(text);
  }
};

// Owns: our source pad -> elements -> our sink pad. No thread, queue or clock anywhere in it: Push
// runs the elements on the caller's stack and the callbacks are called from within. One thread at a
// time, though not always the same.
class Chain {
 public:
  struct Callbacks {
    std::function<void(const GstCaps*)> on_caps;
    std::function<void(GstBuffer*)> on_buffer;  // borrowed
  };

  // `elements` as for gst-launch-1.0, with one open end on each side; `output_caps` is what the
  // last one is made to produce. `input_caps` is taken over. kUnavailable: an element is not
  // installed.
  static Result<std::unique_ptr<Chain>> Make(const std::string& elements, GstCaps* input_caps,
                                             const std::string& output_caps, Callbacks callbacks);
  ~Chain();
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  // The packet's memory is referred to, not copied.
  void Push(const Bytes& packet, uint64_t pts_ns, bool discontinuity);
  // Makes the elements give out what they hold, and starts them afresh.
  void Drain();

  const Complaints& complaints() const;

 private:
  struct Impl;
  explicit Chain(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The buffer's bytes, without a copy where it lies in one piece; they keep the buffer alive.
Bytes BytesOf(GstBuffer* buffer);

}  // namespace penstock::fragmenter::gst
