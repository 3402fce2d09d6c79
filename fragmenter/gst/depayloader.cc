#include "fragmenter/gst/depayloader.h"

#include <algorithm>
#include <deque>

#include <gst/gst.h>

#include "base/limits.h"
#include "fragmenter/codec/aac.h"
#include "fragmenter/codec/config_box.h"
#include "fragmenter/codec/g711.h"
#include "fragmenter/codec/opus.h"
#include "fragmenter/gst/chain.h"
#include "fragmenter/gst/rtp_caps.h"

namespace penstock::fragmenter::gst {
namespace {

// Ticks go through the elements as nanoseconds above zero. Added before, taken off afterwards:
// months of room for a clock that is set back.
constexpr int64_t kTickRoom = int64_t{1} << 40;
// Access units the elements may hold at a time; they hold one. More means that what they got was no
// payload at all.
constexpr size_t kArrivalsMax = 64;

constexpr size_t kCopiedBytesMax = 2048;

bool HasMarker(ByteSpan packet) { return packet.size() >= 2 && (packet[1] & 0x80) != 0; }

// Of a packet that GStreamer holds: buffer, memory, references.
constexpr size_t kPacketCostBytes = 512;

// rtpmp4adepay 1.22 leaves the PayloadLengthInfo (ISO/IEC 14496-3, 1.7.3: bytes whose sum is the
// length, all but the last 255) in front of the first unit after a start or a gap. It can be told
// by its value.
Bytes WithoutPayloadLength(const Bytes& unit) {
  size_t length = 0;
  size_t used = 0;
  while (used < unit.size()) {
    length += unit.data()[used];
    if (unit.data()[used++] != 0xff) break;
  }
  return length > 0 && length == unit.size() - used ? unit.Slice(used, length) : unit;
}

// RFC 7587, 6.1
bool SaysStereo(const RtpFormat& format) {
  const std::string* const stereo = FindParameter(format, "sprop-stereo");
  return stereo != nullptr && *stereo == "1";
}

// What the packets of one RTP timestamp had in common: an access unit, or several of audio.
struct Arrival {
  int64_t timestamp = 0;
  ServerTime received;
  bool damaged = false;
  bool complete = false;  // its last packet so far had the marker
  bool given = false;     // a unit of it came out
};

class RtpDepayloader final : public Depayloader {
 public:
  RtpDepayloader(Codec codec, uint32_t track, const RtpFormat& format, Callbacks callbacks)
      : codec_(codec),
        clock_rate_(format.clock_rate),
        sdp_channels_(format.channels),
        latm_(format.encoding_name == "MP4A-LATM"),
        wants_stereo_(SaysStereo(format)),
        callbacks_(std::move(callbacks)) {
    config_.number = track;
    config_.codec = codec;
    config_.clock_rate = format.clock_rate;
    if (!IsG711(codec_)) return;
    config_.sample_rate = format.clock_rate;
    config_.channels = std::max(format.channels, 1u);
    config_.codec_private = MakeWaveFormat(codec, config_.sample_rate, config_.channels);
    config_is_news_ = true;
  }

  Status Start(const ChainPlan& plan, const RtpFormat& format) {
    Chain::Callbacks callbacks{[this](const GstCaps* caps) { OnCaps(caps); },
                               [this](GstBuffer* buffer) { OnBuffer(buffer); }};
    PS_TRY(auto chain,
           Chain::Make(plan.elements, MakeRtpCaps(format), plan.output_caps, std::move(callbacks)));
    chain_ = std::move(chain);
    return {};
  }

  void Push(const Bytes& packet, int64_t timestamp, bool lost_before,
            ServerTime received) override {
    if (!first_timestamp_) first_timestamp_ = timestamp;
    const int64_t shifted = timestamp - *first_timestamp_ + kTickRoom;
    if (shifted < 0 || shifted > 2 * kTickRoom) {
      own_.Add("RTP time stamp out of any order");
      return;
    }
    if (NeverEnds(packet)) return;
    NoteArrival(packet, timestamp, lost_before, received);
    after_gap_ = after_gap_ || lost_before;
    const uint64_t ns =
        gst_util_uint64_scale_round(static_cast<uint64_t>(shifted), GST_SECOND, clock_rate_);
    chain_->Push(packet, ns, lost_before);
  }

  void Flush() override {
    chain_->Drain();
    arrivals_.clear();
    next_pts_.reset();
    after_gap_ = true;
  }

  uint64_t errors() const override { return own_.count + chain_->complaints().count; }
  std::string last_error() const override {
    return chain_->complaints().count > 0 ? chain_->complaints().last : own_.last;
  }

 private:
  // GStreamer's depayloaders collect until a unit is complete, however long that takes: what a peer
  // can make them hold has its bound here.
  bool NeverEnds(const Bytes& packet) {
    held_bytes_ += packet.size() + kPacketCostBytes;
    if (held_bytes_ <= limits::kAccessUnitBytesMax) return false;
    own_.Add("access unit without an end");
    Flush();
    held_bytes_ = 0;
    return true;
  }

  void NoteArrival(const Bytes& packet, int64_t timestamp, bool lost_before, ServerTime received) {
    // A camera whose time stamps stand still goes on with another unit of the same one.
    const bool begins =
        arrivals_.empty() || arrivals_.back().timestamp != timestamp || arrivals_.back().given;
    // The packets before a gap may have been followed by more of the same unit.
    if (lost_before && !arrivals_.empty() && !arrivals_.back().complete)
      arrivals_.back().damaged = true;
    if (begins) {
      if (arrivals_.size() >= kArrivalsMax) arrivals_.pop_front();
      arrivals_.push_back(Arrival{timestamp, received});
    }
    Arrival& arrival = arrivals_.back();
    arrival.damaged = arrival.damaged || lost_before;
    arrival.complete = HasMarker(packet);
  }

  // The arrival a unit of this time came with. Earlier ones have given all they had; the next unit
  // answers for one that gave nothing because too little of it arrived.
  Arrival TakeArrival(int64_t pts) {
    auto found = std::ranges::find(arrivals_, pts, &Arrival::timestamp);
    if (found == arrivals_.end()) return arrivals_.empty() ? Arrival{} : arrivals_.front();
    const auto next = std::next(found);
    if (found->given && next != arrivals_.end() && next->timestamp == pts) found = next;
    const bool vanished = std::any_of(arrivals_.begin(), found,
                                      [](const Arrival& a) { return a.damaged && !a.given; });
    arrivals_.erase(arrivals_.begin(), found);
    Arrival& arrival = arrivals_.front();
    arrival.damaged = arrival.damaged || vanished;
    arrival.given = true;
    return arrival;
  }

  void OnCaps(const GstCaps* caps) {
    const GstStructure* const structure = gst_caps_get_structure(caps, 0);
    const GValue* const value = gst_structure_get_value(structure, "codec_data");
    if (value == nullptr) return;
    const Bytes data = BytesOf(gst_value_get_buffer(value));
    if (data.empty() || data.size() > limits::kCodecPrivateBytesMax) {
      own_.Add("decoder configuration of an impossible size");
      return;
    }
    TrackConfig config = config_;
    config.codec_private = Bytes::Copy(data);
    const Status described = IsVideo(codec_) ? DescribeVideo(config) : DescribeAudio(config);
    if (!described.ok()) {
      own_.Add(described.error().message());
      return;
    }
    if (config == config_) return;
    config_ = std::move(config);
    config_is_news_ = true;
  }

  Status DescribeVideo(TrackConfig& config) const {
    PS_TRY(const VideoFormat format, ParseVideoFormat(codec_, config.codec_private));
    config.width = format.width;
    config.height = format.height;
    return {};
  }

  Status DescribeAudio(TrackConfig& config) {
    PS_TRY(const AacConfig aac, ParseAudioSpecificConfig(config.codec_private));
    // The LATM depayloader leaves bits of the multiplex after the configuration.
    if (aac.config_bits > 0)
      config.codec_private = CutAudioSpecificConfig(config.codec_private, aac);
    config.sample_rate = aac.output_sample_rate;
    config.channels = aac.channels != 0 ? aac.channels : std::max(sdp_channels_, 1u);
    unit_ticks_ =
        (int64_t{aac.frame_samples} * clock_rate_ + aac.sample_rate / 2) / aac.sample_rate;
    return {};
  }

  // Nothing of it is in the session description that could be relied on.
  void DescribeOpus(ByteSpan packet) {
    const uint8_t channels = IsOpusStereo(packet) || wants_stereo_ ? 2 : 1;
    config_.sample_rate = kOpusRate;
    config_.channels = channels;
    config_.codec_private = MakeOpusHead({.channels = channels});
    config_is_news_ = true;
  }

  // How long a unit of audio is, ticks; 0 for video.
  int64_t TicksOf(ByteSpan unit) const {
    if (codec_ == Codec::kOpus) return OpusPacketSamples(unit);
    if (IsG711(codec_)) return static_cast<int64_t>(unit.size() / config_.channels);
    return unit_ticks_;
  }

  void OnBuffer(GstBuffer* buffer) {
    held_bytes_ = 0;
    if (codec_ == Codec::kOpus && config_.codec_private.empty()) {
      const Bytes packet = BytesOf(buffer);
      if (OpusPacketSamples(packet) > 0) DescribeOpus(packet);
    }
    // Nothing can be decoded before the configuration is known.
    if (config_.codec_private.empty()) return;
    AccessUnit unit;
    unit.track = config_.number;
    // A small unit is copied: a slice of a packet would keep a whole block of the connection's
    // memory for as long as the unit waits for its turn.
    unit.data = BytesOf(buffer);
    if (unit.data.size() <= kCopiedBytesMax) unit.data = Bytes::Copy(unit.data);
    if (latm_ && std::exchange(after_gap_, false)) unit.data = WithoutPayloadLength(unit.data);
    if (unit.data.empty()) return;
    unit.duration = TicksOf(unit.data);
    if (codec_ == Codec::kOpus && unit.duration == 0) {
      own_.Add("Opus packet of no length");
      return;
    }
    if (GST_BUFFER_PTS_IS_VALID(buffer)) {
      unit.pts = static_cast<int64_t>(
                     gst_util_uint64_scale_round(GST_BUFFER_PTS(buffer), clock_rate_, GST_SECOND)) -
                 kTickRoom + *first_timestamp_;
    } else if (next_pts_) {
      // The second and later units of an audio packet.
      unit.pts = *next_pts_;
    } else {
      own_.Add("access unit without a time");
      return;
    }
    const Arrival arrival = TakeArrival(unit.pts);
    unit.received = arrival.received;
    unit.damaged = arrival.damaged;
    unit.key = IsKey(unit, buffer);
    next_pts_ = unit.pts + unit.duration;
    if (std::exchange(config_is_news_, false)) callbacks_.on_config(config_);
    callbacks_.on_unit(std::move(unit));
  }

  bool IsKey(const AccessUnit& unit, GstBuffer* buffer) const {
    if (codec_ == Codec::kH264) return IsH264EntryPoint(unit.data);
    return !IsVideo(codec_) || !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  }

  const Codec codec_;
  const uint32_t clock_rate_;
  const uint32_t sdp_channels_;
  const bool latm_;
  const bool wants_stereo_;
  Callbacks callbacks_;
  std::unique_ptr<Chain> chain_;
  Complaints own_;

  TrackConfig config_;
  bool config_is_news_ = false;
  bool after_gap_ = true;
  size_t held_bytes_ = 0;   // pushed since the last unit came out
  int64_t unit_ticks_ = 0;  // of an audio unit
  std::optional<int64_t> first_timestamp_;
  std::optional<int64_t> next_pts_;
  std::deque<Arrival> arrivals_;
};

}  // namespace

Status CheckSupported(const RtpFormat& format) {
  InitOnce();
  PS_TRY(const ChainPlan plan, PlanFor(format));
  for (const char* name : plan.factories) {
    if (name == nullptr) continue;
    GstElementFactory* const factory = gst_element_factory_find(name);
    if (factory == nullptr) {
      return Error(ErrorCode::kUnsupported, "codec " + format.encoding_name + ": GStreamer's " +
                                                name + " is not installed (" + plan.package + ")");
    }
    gst_object_unref(factory);
  }
  return {};
}

Result<std::unique_ptr<Depayloader>> Depayloader::Make(const RtpFormat& format, uint32_t track,
                                                       Callbacks callbacks) {
  PS_TRY_VOID(CheckSupported(format));
  PS_TRY(const ChainPlan plan, PlanFor(format));
  auto made = std::make_unique<RtpDepayloader>(plan.codec, track, format, std::move(callbacks));
  PS_TRY_VOID(made->Start(plan, format));
  return std::unique_ptr<Depayloader>(std::move(made));
}

}  // namespace penstock::fragmenter::gst
