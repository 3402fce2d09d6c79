#include "fragmenter/codec/parameter_sets.h"

#include "base/byte_io.h"
#include "base/check.h"

namespace penstock::fragmenter {
namespace {

Error Unreadable(const char* what) { return Error(ErrorCode::kCorruption, what); }

void TakeUnits(ByteReader& in, size_t count, std::vector<ByteSpan>& out) {
  for (size_t i = 0; i < count && in.ok(); ++i) {
    const ByteSpan unit = in.Raw(in.Be<uint16_t>());
    if (!unit.empty()) out.push_back(unit);
  }
}

}  // namespace

bool IsParameterSet(Codec codec, uint8_t head) {
  const int type = NalType(codec, head);
  if (codec == Codec::kH264) return type == 7 || type == 8 || type == 13;  // SPS, PPS, extension
  return type >= 32 && type <= 34;                                         // VPS, SPS, PPS
}

bool IsAccessUnitDelimiter(Codec codec, uint8_t head) {
  return NalType(codec, head) == (codec == Codec::kH264 ? 9 : 35);
}

Result<ParameterSets> ReadParameterSets(Codec codec, ByteSpan box) {
  CHECK(IsVideo(codec));
  ParameterSets sets;
  ByteReader in(box);
  if (codec == Codec::kH264) {
    in.Skip(4);
    sets.length_bytes = (in.Be<uint8_t>() & 3u) + 1;
    TakeUnits(in, in.Be<uint8_t>() & 0x1fu, sets.units);
    TakeUnits(in, in.Be<uint8_t>(), sets.units);
  } else {
    in.Skip(21);
    sets.length_bytes = (in.Be<uint8_t>() & 3u) + 1;
    const uint8_t arrays = in.Be<uint8_t>();
    for (int i = 0; i < arrays && in.ok(); ++i) {
      in.Skip(1);
      TakeUnits(in, in.Be<uint16_t>(), sets.units);
    }
    // SEI messages may be among them; those are no one's need.
    std::erase_if(sets.units, [](ByteSpan unit) { return !IsParameterSet(Codec::kH265, unit[0]); });
  }
  if (!in.ok()) return Unreadable("avcC or hvcC is cut short");
  if (sets.units.empty()) return Unreadable("avcC or hvcC without a parameter set");
  return sets;
}

}  // namespace penstock::fragmenter
