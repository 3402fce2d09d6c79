// Codec headers. The first byte says which.
#include "fragmenter/codec/aac.h"
#include "fragmenter/codec/codec_string.h"
#include "fragmenter/codec/config_box.h"
#include "fragmenter/codec/nal.h"

using namespace penstock;              // NOLINT: a small program
using namespace penstock::fragmenter;  // NOLINT

namespace {

void CheckVideo(const Result<VideoFormat>& format) {
  if (!format.ok()) return;
  CHECK(format->width > 0);
  CHECK(format->height > 0);
  CHECK(format->reorder_depth.value_or(0) <= kReorderDepthMax);
}

void CheckAac(ByteSpan bytes) {
  const Result<AacConfig> config = ParseAudioSpecificConfig(bytes);
  if (!config.ok() || config->config_bits == 0) return;
  // Cutting off what follows does not change what it says.
  const Result<AacConfig> again = ParseAudioSpecificConfig(CutAudioSpecificConfig(bytes, *config));
  CHECK(again.ok());
  CHECK(again->sample_rate == config->sample_rate);
  CHECK(again->signalled_type == config->signalled_type);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const ByteSpan bytes(data + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      CheckVideo(ParseH264Sps(bytes));
      break;
    case 1:
      CheckVideo(ParseH265Sps(bytes));
      break;
    case 2:
      CheckVideo(ParseVideoFormat(Codec::kH264, bytes));
      break;
    case 3:
      CheckVideo(ParseVideoFormat(Codec::kH265, bytes));
      break;
    case 4:
      CheckAac(bytes);
      break;
    default:
      IsClosedEntryPoint(data[0] < 128 ? Codec::kH264 : Codec::kH265, bytes);
      IsH264EntryPoint(bytes);
      break;
  }
  for (const Codec codec : {Codec::kH264, Codec::kH265, Codec::kAac})
    CHECK(!MakeCodecString(codec, bytes).empty());
  return 0;
}
