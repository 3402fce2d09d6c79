#include "playback/images/image_encoder.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include "playback/images/colour_matrix.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

namespace penstock::playback {
namespace {

struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct FreeContext {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct FreeScaler {
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};
using FramePtr = std::unique_ptr<AVFrame, FreeFrame>;

Error Failed(const char* what) {
  return Error(ErrorCode::kUnsupported, fmt::format("the picture cannot be {}", what));
}

AVPixelFormat PixelsOf(ImageFormat format) {
  return format == ImageFormat::kJpeg ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_RGB24;
}

// Streams that do not say mean what televisions took them for.
int MatrixOf(const Picture& picture) {
  switch (picture.matrix) {
    case AVCOL_SPC_BT709:
      return SWS_CS_ITU709;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return SWS_CS_ITU601;
    case AVCOL_SPC_FCC:
      return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
      return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return SWS_CS_BT2020;
    default:
      return picture.size.height > 576 ? SWS_CS_ITU709 : SWS_CS_ITU601;
  }
}

// Whether BT.709 is changed into JPEG's own matrix here. The library would do it by way of red,
// green and blue, for as long as all the rest of an image takes.
bool ChangesMatrix(const Picture& picture, const ImageForm& form) {
  const bool planar =
      picture.pixel_format == AV_PIX_FMT_YUV420P || picture.pixel_format == AV_PIX_FMT_YUVJ420P;
  return form.format == ImageFormat::kJpeg && planar && MatrixOf(picture) == SWS_CS_ITU709;
}

// In the image's size and in the colours of its format: JPEG means BT.601 of full range.
Result<FramePtr> Convert(const Picture& picture, const ImageForm& form) {
  const PictureSize size = SizeOf(form, picture.size);
  FramePtr out(av_frame_alloc());
  if (out == nullptr) return Error(ErrorCode::kUnavailable, "out of memory");
  out->width = static_cast<int>(size.width);
  out->height = static_cast<int>(size.height);
  out->format = PixelsOf(form.format);
  out->color_range = AVCOL_RANGE_JPEG;
  if (av_frame_get_buffer(out.get(), 0) < 0) return Error(ErrorCode::kUnavailable, "out of memory");
  const std::unique_ptr<SwsContext, FreeScaler> scaler(sws_getContext(
      static_cast<int>(picture.size.width), static_cast<int>(picture.size.height),
      static_cast<AVPixelFormat>(picture.pixel_format), out->width, out->height,
      static_cast<AVPixelFormat>(out->format), SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT,
      nullptr, nullptr, nullptr));
  if (scaler == nullptr) return Failed("converted");
  constexpr int kUnchanged = 1 << 16;
  const bool change = ChangesMatrix(picture, form);
  const int matrix = MatrixOf(picture);
  // Best effort: it refuses for pixels that have no such thing as a matrix.
  (void)sws_setColorspaceDetails(
      scaler.get(), sws_getCoefficients(matrix), picture.full_range ? 1 : 0,
      sws_getCoefficients(change ? matrix : SWS_CS_ITU601), 1, 0, kUnchanged, kUnchanged);
  const int lines = sws_scale(scaler.get(), picture.planes.data(), picture.strides.data(), 0,
                              static_cast<int>(picture.size.height), out->data, out->linesize);
  if (lines != out->height) return Failed("converted");
  if (change) {
    ChangeMatrix(kBt709, kBt601,
                 {size, out->data[0], out->data[1], out->data[2], out->linesize[0],
                  out->linesize[1], out->linesize[2]});
  }
  return out;
}

// The quality of libjpeg says how coarse its table is, in percent; the encoder's step says the same
// of a table of its own, in eighths.
int StepOf(int quality) {
  const int percent = quality < 50 ? 5000 / std::max(quality, 1) : 200 - 2 * std::min(quality, 100);
  return std::clamp((percent * 8 + 50) / 100, 1, 31);
}

Result<std::unique_ptr<AVCodecContext, FreeContext>> OpenEncoder(const AVFrame& frame,
                                                                 const ImageForm& form) {
  const bool jpeg = form.format == ImageFormat::kJpeg;
  const AVCodec* const codec = avcodec_find_encoder(jpeg ? AV_CODEC_ID_MJPEG : AV_CODEC_ID_PNG);
  std::unique_ptr<AVCodecContext, FreeContext> context(
      codec == nullptr ? nullptr : avcodec_alloc_context3(codec));
  if (context == nullptr) return Error(ErrorCode::kUnavailable, "the library has no such encoder");
  context->width = frame.width;
  context->height = frame.height;
  context->pix_fmt = static_cast<AVPixelFormat>(frame.format);
  context->color_range = AVCOL_RANGE_JPEG;
  context->time_base = AVRational{1, 1};
  context->thread_count = 1;
  if (jpeg) {
    context->flags |= AV_CODEC_FLAG_QSCALE;
    context->qmin = 1;
    context->global_quality = StepOf(form.jpeg_quality) * FF_QP2LAMBDA;
  } else {
    context->compression_level = 4;
    // Best effort: without it the image is larger.
    (void)av_opt_set(context->priv_data, "pred", "up", 0);
  }
  if (avcodec_open2(context.get(), codec, nullptr) < 0) return Failed("encoded");
  return context;
}

}  // namespace

Result<Bytes> EncodeImage(const Picture& picture, const ImageForm& form) {
  PS_TRY(const FramePtr frame, Convert(picture, form));
  PS_TRY(const auto context, OpenEncoder(*frame, form));
  frame->pts = 0;
  frame->quality = context->global_quality;
  const std::unique_ptr<AVPacket, FreePacket> packet(av_packet_alloc());
  if (packet == nullptr || avcodec_send_frame(context.get(), frame.get()) < 0 ||
      avcodec_send_frame(context.get(), nullptr) < 0 ||
      avcodec_receive_packet(context.get(), packet.get()) < 0) {
    return Failed("encoded");
  }
  const auto bytes = static_cast<size_t>(packet->size);
  if (bytes > kImageBytesMax) {
    return Error(
        ErrorCode::kTooLarge,
        fmt::format("the image has {} bytes, and at most {} may be sent: ask for a smaller "
                    "one",
                    bytes, kImageBytesMax));
  }
  return Bytes::Copy(ByteSpan(packet->data, bytes));
}

}  // namespace penstock::playback
