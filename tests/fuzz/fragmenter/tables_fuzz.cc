// Stored frame tables and track sets: damage is refused; what is accepted survives being written
// again.
#include "fragmenter/media.h"

using namespace penstock;              // NOLINT: a small program
using namespace penstock::fragmenter;  // NOLINT

namespace {

bool Same(const Frame& a, const Frame& b) {
  return a.track == b.track && a.key == b.key && a.offset == b.offset && a.size == b.size &&
         a.dts == b.dts && a.cts_offset == b.cts_offset && a.duration == b.duration;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan bytes(data, size);
  const Result<FrameTable> table = FrameTable::Decode(bytes);
  if (table.ok()) {
    const Result<FrameTable> again = FrameTable::Decode(table->Encode());
    CHECK(again.ok());
    CHECK(again->raw_producer_us == table->raw_producer_us);
    CHECK(again->frames.size() == table->frames.size());
    for (size_t i = 0; i < table->frames.size(); ++i)
      CHECK(Same(table->frames[i], again->frames[i]));
  }
  const Result<TrackSet> set = DecodeTrackSet(bytes);
  if (set.ok()) {
    const Result<TrackSet> again = DecodeTrackSet(EncodeTrackSet(*set));
    CHECK(again.ok());
    CHECK(*again == *set);
    CHECK(!EncodeMkvHeader(*set).empty());
    for (const TrackConfig& track : set->tracks) CHECK(!track.CodecString().empty());
  }
  return 0;
}
