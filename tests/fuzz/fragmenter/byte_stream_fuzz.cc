// An access unit as a byte stream: the same with lengths however it lies in memory, and as the
// standard's words taken literally have it. The first byte says in what pieces it comes.
#include <algorithm>
#include <vector>

#include "fragmenter/codec/byte_stream.h"
#include "fragmenter/codec/config_box.h"
#include "fragmenter/codec/nal.h"
#include "fragmenter/codec/parameter_sets.h"

using namespace penstock;              // NOLINT: a small program
using namespace penstock::fragmenter;  // NOLINT

namespace {

bool IsCode(ByteSpan bytes, size_t at) {
  return at + 3 <= bytes.size() && bytes[at] == 0 && bytes[at + 1] == 0 && bytes[at + 2] == 1;
}

// Byte by byte; nothing if it is none.
std::optional<std::vector<ByteSpan>> Units(ByteSpan bytes) {
  size_t at = 0;
  while (at < bytes.size() && bytes[at] == 0 && !IsCode(bytes, at)) ++at;
  if (!IsCode(bytes, at)) return std::nullopt;
  std::vector<ByteSpan> units;
  while (at < bytes.size()) {
    const size_t begin = at + 3;
    at = begin;
    while (at < bytes.size() && !IsCode(bytes, at)) ++at;
    size_t end = at;
    while (end > begin && bytes[end - 1] == 0) --end;
    if (end > begin) units.push_back(bytes.subspan(begin, end - begin));
  }
  return units;
}

void CheckBox(Codec codec, const std::vector<ByteSpan>& units) {
  const Result<Bytes> box = MakeConfigBox(codec, units);
  if (!box.ok()) return;
  CHECK(ParseVideoFormat(codec, *box).ok());
  const auto sets = ReadParameterSets(codec, *box);
  CHECK(sets.ok());
  CHECK(sets->length_bytes == 4);
  for (const ByteSpan set : sets->units) {
    CHECK(std::any_of(units.begin(), units.end(), [&](ByteSpan unit) {
      return std::equal(unit.begin(), unit.end(), set.begin(), set.end());
    }));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = data[0] == 0 ? size : data[0];
  const ByteSpan bytes(data + 1, size - 1);
  ByteChain chain;
  for (size_t at = 0; at < bytes.size(); at += piece)
    chain.Append(Bytes::Copy(bytes.subspan(at, std::min(piece, bytes.size() - at))));
  const ChainView view(chain);
  LengthPrefixer prefixer(view);
  const Result<uint32_t> made_bytes = prefixer.Add(0, view.size());
  const auto units = Units(bytes);
  CHECK(made_bytes.ok() == (units.has_value() && !units->empty()));
  if (!made_bytes.ok()) return 0;
  const Bytes made = std::move(prefixer).Take().Flatten();
  CHECK(made.size() == *made_bytes);
  CHECK(made.size() <= bytes.size() + bytes.size() / 4);
  ByteSpan rest = made;
  for (const ByteSpan unit : *units) {
    const auto nal = TakeNal(rest);
    CHECK(nal.has_value());
    CHECK(std::equal(nal->begin(), nal->end(), unit.begin(), unit.end()));
  }
  CHECK(rest.empty());
  // Of what is not all there more may be true.
  for (const size_t length_bytes : {1, 2, 4}) {
    const bool whole = MayHaveLengths(bytes, bytes.size(), length_bytes);
    if (whole) CHECK(MayHaveLengths(bytes.first(bytes.size() / 2), bytes.size(), length_bytes));
  }
  CheckBox(Codec::kH264, *units);
  CheckBox(Codec::kH265, *units);
  return 0;
}
