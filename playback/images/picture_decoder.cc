#include "playback/images/picture_decoder.h"

#include <cstring>

#include <fmt/format.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
}

namespace penstock::playback {
namespace {

constexpr int kSides = 4;  // planes of a picture at most
// What the library's fast loops may read or write behind a plane.
constexpr size_t kPlaneSlack = 128;

// What the pictures of one decoder have. One thread.
struct Memory {
  size_t used = 0;
};

// One picture's share of it.
struct Share {
  std::shared_ptr<Memory> memory;
  size_t bytes = 0;
};

void FreeShare(void* opaque, uint8_t* data) {
  const std::unique_ptr<Share> share(static_cast<Share*>(opaque));
  share->memory->used -= share->bytes;
  av_free(data);
}

struct FreeContext {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
using FramePtr = std::unique_ptr<AVFrame, FreeFrame>;

Error Broken(const char* what, int code) {
  char words[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, words, sizeof(words));
  return Error(ErrorCode::kCorruption, fmt::format("{}: {}", what, words));
}

// Lines as wide as the decoder wants them.
bool FillLines(AVCodecContext* context, AVFrame* frame, int& height) {
  const auto format = static_cast<AVPixelFormat>(frame->format);
  int width = frame->width;
  int align[AV_NUM_DATA_POINTERS] = {};
  height = frame->height;
  avcodec_align_dimensions2(context, &width, &height, align);
  while (true) {
    if (av_image_fill_linesizes(frame->linesize, format, width) < 0) return false;
    bool aligned = true;
    for (int i = 0; i < kSides; ++i)
      aligned = aligned && (align[i] == 0 || frame->linesize[i] % align[i] == 0);
    if (aligned) return true;
    width += width & ~(width - 1);
  }
}

// Where the decoder gets the memory of its pictures: bounded, whatever the stream says of itself.
int GetBuffer(AVCodecContext* context, AVFrame* frame, int) {
  int height = 0;
  if (!FillLines(context, frame, height)) return AVERROR(EINVAL);
  const auto format = static_cast<AVPixelFormat>(frame->format);
  ptrdiff_t lines[kSides];
  size_t planes[kSides];
  for (int i = 0; i < kSides; ++i) lines[i] = frame->linesize[i];
  if (av_image_fill_plane_sizes(planes, format, height, lines) < 0) return AVERROR(EINVAL);
  size_t bytes = kPlaneSlack;
  for (const size_t plane : planes) bytes += plane + 2 * kPlaneSlack;

  const auto& memory = *static_cast<std::shared_ptr<Memory>*>(context->opaque);
  if (bytes > PictureDecoder::kPictureMemoryMax - memory->used) return AVERROR(ENOMEM);
  auto* const data = static_cast<uint8_t*>(av_malloc(bytes));
  if (data == nullptr) return AVERROR(ENOMEM);
  memory->used += bytes;
  auto share = std::make_unique<Share>(Share{memory, bytes});
  AVBufferRef* const buffer = av_buffer_create(data, bytes, FreeShare, share.get(), 0);
  if (buffer == nullptr) {
    FreeShare(share.release(), data);
    return AVERROR(ENOMEM);
  }
  share.release();
  // Where a stream leaves something out, nothing is seen of what was in the memory before.
  std::memset(data, 0x80, bytes);
  frame->buf[0] = buffer;
  uint8_t* at = data;
  for (int i = 0; i < kSides; ++i) {
    if (planes[i] == 0) continue;
    frame->data[i] = at;
    at += (planes[i] + 2 * kPlaneSlack - 1) / kPlaneSlack * kPlaneSlack;
  }
  frame->extended_data = frame->data;
  return 0;
}

}  // namespace

struct PictureDecoder::Impl {
  // Behind the context: the frames that it still holds are freed with it.
  std::shared_ptr<Memory> memory = std::make_shared<Memory>();
  std::unique_ptr<AVPacket, FreePacket> packet{av_packet_alloc()};
  std::unique_ptr<AVCodecContext, FreeContext> context;
};

PictureDecoder::PictureDecoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PictureDecoder::~PictureDecoder() = default;

Result<std::unique_ptr<PictureDecoder>> PictureDecoder::Make(const fragmenter::TrackConfig& track) {
  if (!IsVideo(track.codec)) return Error(ErrorCode::kUnsupported, "sound has no pictures");
  // What streams do wrong is said to those who ask for their images.
  static const bool quiet = [] {
    av_log_set_level(AV_LOG_QUIET);
    return true;
  }();
  (void)quiet;
  const AVCodec* const codec = avcodec_find_decoder(
      track.codec == fragmenter::Codec::kH264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_HEVC);
  if (codec == nullptr) return Error(ErrorCode::kUnavailable, "the library has no such decoder");
  auto impl = std::make_unique<Impl>();
  impl->context.reset(avcodec_alloc_context3(codec));
  AVCodecContext* const context = impl->context.get();
  if (context == nullptr || impl->packet == nullptr)
    return Error(ErrorCode::kUnavailable, "out of memory");
  const Bytes& config = track.codec_private;
  context->extradata =
      static_cast<uint8_t*>(av_mallocz(config.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  if (context->extradata == nullptr) return Error(ErrorCode::kUnavailable, "out of memory");
  if (!config.empty()) std::memcpy(context->extradata, config.data(), config.size());
  context->extradata_size = static_cast<int>(config.size());
  context->thread_count = 1;
  context->max_pixels = kPicturePixelsMax;
  context->opaque = &impl->memory;
  context->get_buffer2 = GetBuffer;
  // A run may begin with a key frame after which not everything is as the encoder saw it; what
  // really was guessed the frame itself says.
  context->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
  const int opened = avcodec_open2(context, codec, nullptr);
  if (opened < 0) return Broken("the configuration of the track", opened);
  return std::unique_ptr<PictureDecoder>(new PictureDecoder(std::move(impl)));
}

Status PictureDecoder::Put(const ByteChain& coded, int64_t label, bool wanted) {
  AVPacket* const packet = impl_->packet.get();
  const int made = av_new_packet(packet, static_cast<int>(coded.size()));
  if (made < 0) return Broken("a picture", made);
  coded.CopyTo(std::span<uint8_t>(packet->data, coded.size()));
  packet->pts = label;
  packet->dts = AV_NOPTS_VALUE;
  impl_->context->skip_frame = wanted ? AVDISCARD_DEFAULT : AVDISCARD_NONREF;
  const int sent = avcodec_send_packet(impl_->context.get(), packet);
  av_packet_unref(packet);
  if (sent < 0) return Broken("a picture", sent);
  return Status();
}

Status PictureDecoder::End() {
  const int sent = avcodec_send_packet(impl_->context.get(), nullptr);
  if (sent < 0 && sent != AVERROR_EOF) return Broken("the last picture", sent);
  return Status();
}

std::optional<PictureDecoder::Shown> PictureDecoder::Take() {
  FramePtr frame(av_frame_alloc());
  if (frame == nullptr) return std::nullopt;
  const int received = avcodec_receive_frame(impl_->context.get(), frame.get());
  if (received == AVERROR(EAGAIN) || received == AVERROR_EOF) return std::nullopt;
  if (received < 0) return Shown{-1, Broken("a picture", received)};
  const int64_t label = frame->pts;
  if (frame->decode_error_flags != 0)
    return Shown{label, Error(ErrorCode::kCorruption, "parts of the picture are missing")};
  Picture picture;
  picture.size.width = static_cast<uint32_t>(frame->width);
  picture.size.height = static_cast<uint32_t>(frame->height);
  for (size_t i = 0; i < picture.planes.size(); ++i) {
    picture.planes[i] = frame->data[i];
    picture.strides[i] = frame->linesize[i];
  }
  picture.pixel_format = frame->format;
  picture.matrix = frame->colorspace;
  picture.full_range = frame->color_range == AVCOL_RANGE_JPEG;
  picture.owner = std::shared_ptr<AVFrame>(std::move(frame));
  return Shown{label, std::move(picture)};
}

void PictureDecoder::Restart() { avcodec_flush_buffers(impl_->context.get()); }

}  // namespace penstock::playback
