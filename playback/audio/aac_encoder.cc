#include "playback/audio/aac_encoder.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

extern "C" {
#include <vo-aacenc/cmnMemory.h>
#include <vo-aacenc/voAAC.h>
}

#include "base/byte_io.h"
#include "base/check.h"

namespace penstock::playback {
namespace {

// ISO/IEC 14496-3, 1.6.3.4: a rate's place is its index. The encoder knows those from 96,000 to
// 8,000.
constexpr uint32_t kRates[] = {96'000, 88'200, 64'000, 48'000, 44'100, 32'000,
                               24'000, 22'050, 16'000, 12'000, 11'025, 8'000};
// Enough that nothing is heard of the second coding of what had eight bits a sample before.
constexpr uint32_t kBitsPerSample = 4;
// ISO/IEC 14496-3, 4.5.1.1: 6,144 bits a channel.
constexpr size_t kUnitBytesMax = 2 * 6144 / 8;

Result<size_t> RateIndex(uint32_t sample_rate, uint32_t channels) {
  const auto found = std::ranges::find(kRates, sample_rate);
  if (found == std::end(kRates) || channels < 1 || channels > 2) {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("there is no AAC of {} Hz and {} channels", sample_rate, channels));
  }
  return static_cast<size_t>(found - std::begin(kRates));
}

}  // namespace

struct AacEncoder::Impl {
  ~Impl() {
    if (handle != nullptr) api.Uninit(handle);
  }
  VO_AUDIO_CODECAPI api{};
  VO_MEM_OPERATOR memory{};
  VO_HANDLE handle = nullptr;
  uint32_t channels = 1;
  std::array<uint8_t, kUnitBytesMax> unit{};
};

AacEncoder::AacEncoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AacEncoder::~AacEncoder() = default;

Result<std::unique_ptr<AacEncoder>> AacEncoder::Make(uint32_t sample_rate, uint32_t channels) {
  PS_TRY_VOID(RateIndex(sample_rate, channels));
  auto impl = std::make_unique<Impl>();
  impl->channels = channels;
  impl->memory.Alloc = cmnMemAlloc;
  impl->memory.Free = cmnMemFree;
  impl->memory.Copy = cmnMemCopy;
  impl->memory.Set = cmnMemSet;
  impl->memory.Check = cmnMemCheck;
  VO_CODEC_INIT_USERDATA user{};
  user.memflag = VO_IMF_USERMEMOPERATOR;
  user.memData = &impl->memory;
  AACENC_PARAM parameters{};
  parameters.sampleRate = static_cast<int>(sample_rate);
  parameters.bitRate = static_cast<int>(sample_rate * channels * kBitsPerSample);
  parameters.nChannels = static_cast<int16_t>(channels);
  const bool made =
      voGetAACEncAPI(&impl->api) == VO_ERR_NONE &&
      impl->api.Init(&impl->handle, VO_AUDIO_CodingAAC, &user) == VO_ERR_NONE &&
      impl->api.SetParam(impl->handle, VO_PID_AAC_ENCPARAM, &parameters) == VO_ERR_NONE;
  if (!made) return Error(ErrorCode::kUnavailable, "no AAC encoder can be made");
  return std::unique_ptr<AacEncoder>(new AacEncoder(std::move(impl)));
}

Result<Bytes> AacEncoder::Encode(std::span<const int16_t> samples) {
  CHECK(samples.size() == size_t{kUnitSamples} * impl_->channels);
  std::vector<int16_t> input(samples.begin(), samples.end());  // the encoder takes no const
  VO_CODECBUFFER in{};
  in.Buffer = reinterpret_cast<VO_PBYTE>(input.data());
  in.Length = input.size() * sizeof(int16_t);
  VO_CODECBUFFER out{};
  out.Buffer = impl_->unit.data();
  out.Length = impl_->unit.size();
  VO_AUDIO_OUTPUTINFO info{};
  const bool done = impl_->api.SetInputData(impl_->handle, &in) == VO_ERR_NONE &&
                    impl_->api.GetOutputData(impl_->handle, &out, &info) == VO_ERR_NONE;
  if (!done || out.Length > impl_->unit.size()) return Error(ErrorCode::kInternal, "AAC encoder");
  return Bytes::Copy(ByteSpan(impl_->unit.data(), out.Length));
}

Result<Bytes> AacEncoder::Config(uint32_t sample_rate, uint32_t channels) {
  PS_TRY(const size_t index, RateIndex(sample_rate, channels));
  // Object type 2 (LC), 5 bits; rate, 4; channels, 4; three flags that are 0.
  ByteWriter out;
  out.Be(static_cast<uint16_t>(2u << 11 | index << 7 | channels << 3));
  return out.Take();
}

}  // namespace penstock::playback
