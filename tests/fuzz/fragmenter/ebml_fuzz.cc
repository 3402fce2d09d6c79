// Any bytes, whole and in pieces: the same events, the same end.
#include <string>

#include "fragmenter/ebml/reader.h"

namespace {

using penstock::ByteSpan;
using penstock::fragmenter::ebml::Event;
using penstock::fragmenter::ebml::Reader;

std::string Read(ByteSpan bytes, size_t piece) {
  std::string out;
  Reader reader;
  while (!bytes.empty()) {
    ByteSpan input = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(input.size());
    for (;;) {
      const auto next = reader.Next(input);
      if (!next.ok()) return out + next.error().ToString();
      if (!*next) break;
      const Event& event = **next;
      for (const uint64_t field :
           {uint64_t{event.id}, event.offset, event.size.value_or(0), uint64_t{event.value.size()},
            event.Uint(), event.track, event.data_offset, event.data_size}) {
        out += std::to_string(field) + ' ';
      }
      out += event.Float() > 1 ? '+' : '-';
    }
    CHECK(input.empty());
  }
  return out + (reader.Finish().ok() ? " whole" : " cut");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan bytes(data, size);
  const std::string whole = Read(bytes, SIZE_MAX);
  CHECK(Read(bytes, 1) == whole);
  CHECK(Read(bytes, 7) == whole);
  return 0;
}
