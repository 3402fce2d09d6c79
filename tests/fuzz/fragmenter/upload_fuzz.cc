// Any body of an upload, whole, in pieces, and cut in two at every boundary: the same fragments,
// the same end; what is taken can be placed, stored and read back.
#include <string>

#include "fragmenter/upload/timeline.h"

namespace {

using namespace penstock;
using namespace penstock::fragmenter;

UploadLimits Limits() {
  UploadLimits limits;
  limits.fragment_bytes = 20'000;
  limits.every_track = false;
  return limits;
}

std::string Describe(const UploadFragment& fragment, UploadTimeline& timeline) {
  std::string out = std::to_string(fragment.timecode) + ':' +
                    std::string(fragment.body.Flatten().text()) + '|' +
                    std::string(fragment.header->document.text());
  for (const UploadBlock& block : fragment.blocks)
    CHECK(uint64_t{block.offset} + block.size <= fragment.body.size());
  const PlacedUpload placed = timeline.Place(fragment, 1'768'478'400'000'000'000);
  const Bytes meta = placed.frames.Encode();
  const auto read = FrameTable::Decode(meta);
  CHECK(read.ok());
  CHECK(read->frames.size() == placed.frames.frames.size());
  CHECK(DecodeTrackSet(EncodeTrackSet(fragment.header->playable)).ok());
  return out + std::string(meta.text());
}

// Bodies up to this size are cut in two at every boundary; longer ones at a few, evenly spread.
constexpr size_t kCutEverywhereBytes = 1024;
constexpr size_t kCutsOfLonger = 32;

// A first piece of this size, then pieces of that.
std::string Read(ByteSpan bytes, size_t first, size_t piece) {
  UploadParser parser(Limits());
  UploadTimeline timeline;
  std::vector<UploadEvent> events;
  std::optional<UploadError> error;
  while (!bytes.empty() && !error) {
    const ByteSpan input = bytes.first(std::min(std::exchange(first, piece), bytes.size()));
    bytes = bytes.subspan(input.size());
    error = parser.Feed(input, events);
    CHECK(parser.open_bytes() <= Limits().fragment_bytes);
  }
  if (!error) error = parser.Finish(events);
  std::string out;
  for (const UploadEvent& event : events) {
    if (const auto* fragment = std::get_if<UploadFragment>(&event)) {
      out += Describe(*fragment, timeline);
    } else {
      out += '+' + std::to_string(std::get<UploadBegins>(event).timecode);
    }
  }
  if (error) out += '!' + std::to_string(static_cast<int>(error->fault));
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan bytes(data, size);
  const std::string whole = Read(bytes, SIZE_MAX, SIZE_MAX);
  CHECK(Read(bytes, 1, 1) == whole);
  CHECK(Read(bytes, 7, 7) == whole);
  const size_t step = size <= kCutEverywhereBytes ? 1 : size / kCutsOfLonger;
  for (size_t cut = 1; cut < size; cut += step) CHECK(Read(bytes, cut, SIZE_MAX) == whole);
  return 0;
}
