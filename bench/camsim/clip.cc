#include "bench/camsim/clip.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "bench/camsim/packetizer.h"

namespace camsim {

using penstock::ByteSpan;
using penstock::Error;
using penstock::ErrorCode;
using penstock::Result;
using penstock::Status;

namespace {

Result<std::vector<uint8_t>> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error(ErrorCode::kNotFound, path + ": cannot be opened");
  return std::vector<uint8_t>(std::istreambuf_iterator<char>(in), {});
}

// The NAL units between Annex B's start codes.
std::vector<ByteSpan> SplitAnnexB(ByteSpan stream) {
  std::vector<size_t> starts;  // behind the start codes
  for (size_t i = 0; i + 2 < stream.size(); ++i) {
    if (stream[i] == 0 && stream[i + 1] == 0 && stream[i + 2] == 1) starts.push_back(i += 3);
  }
  std::vector<ByteSpan> nals;
  for (size_t i = 0; i < starts.size(); ++i) {
    size_t end = i + 1 < starts.size() ? starts[i + 1] - 3 : stream.size();
    while (end > starts[i] && stream[end - 1] == 0) --end;  // the fourth byte of a long start code
    if (end > starts[i]) nals.push_back(stream.subspan(starts[i], end - starts[i]));
  }
  return nals;
}

struct NalKind {
  bool picture = false;
  bool first_slice = false;  // of a picture
  bool key = false;
  std::optional<int> parameter_set;  // 0, 1, …: its place in the SDP
};

NalKind KindOfH264(ByteSpan nal) {
  const int type = nal[0] & 0x1F;
  NalKind kind;
  kind.picture = type >= 1 && type <= 5;
  kind.key = type == 5;
  // first_mb_in_slice == 0 is the single bit 1.
  kind.first_slice = kind.picture && nal.size() > 1 && (nal[1] & 0x80) != 0;
  if (type == 7 || type == 8) kind.parameter_set = type - 7;
  return kind;
}

NalKind KindOfH265(ByteSpan nal) {
  const int type = nal[0] >> 1 & 0x3F;
  NalKind kind;
  kind.picture = type <= 31;
  kind.key = type >= 16 && type <= 21;
  kind.first_slice = kind.picture && nal.size() > 2 && (nal[2] & 0x80) != 0;
  if (type >= 32 && type <= 34) kind.parameter_set = type - 32;
  return kind;
}

std::string Base64(ByteSpan bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0u);
    for (size_t k = 0; k < 4; ++k) {
      text += k <= count ? kDigits[group >> (18 - 6 * k) & 0x3F] : '=';
    }
  }
  return text;
}

std::string VideoSdp(const ClipTrack& track, const std::array<ByteSpan, 3>& sets) {
  std::string sdp = fmt::format("a=rtpmap:{} {}/90000\r\n", track.payload_type, track.codec);
  if (track.codec == "H265") {
    return sdp + fmt::format("a=fmtp:{} sprop-vps={};sprop-sps={};sprop-pps={}\r\n",
                             track.payload_type, Base64(sets[0]), Base64(sets[1]), Base64(sets[2]));
  }
  const ByteSpan sps = sets[0];
  return sdp + fmt::format(
                   "a=fmtp:{} packetization-mode=1;profile-level-id={:02X}{:02X}{:02X};"
                   "sprop-parameter-sets={},{}\r\n",
                   track.payload_type, sps[1], sps[2], sps[3], Base64(sps), Base64(sets[1]));
}

}  // namespace

Result<ClipTrack> LoadVideo(const std::string& path, uint32_t frames_per_second) {
  PS_TRY(const std::vector<uint8_t> stream, ReadFile(path));
  const bool h265 = path.ends_with(".h265");
  ClipTrack track;
  track.codec = h265 ? "H265" : "H264";
  track.ticks_per_frame = track.clock_rate / frames_per_second;

  Packetizer packetizer(track);
  std::array<ByteSpan, 3> sets;
  bool open = false;
  bool has_picture = false;
  for (const ByteSpan nal : SplitAnnexB(stream)) {
    const NalKind kind = h265 ? KindOfH265(nal) : KindOfH264(nal);
    if (kind.parameter_set && sets[*kind.parameter_set].empty()) sets[*kind.parameter_set] = nal;
    // A frame ends where the next picture begins, or what belongs to it.
    if (open && has_picture && (!kind.picture || kind.first_slice)) {
      packetizer.CloseFrame();
      open = false;
    }
    if (!open) {
      packetizer.OpenFrame();
      open = true;
      has_picture = false;
    }
    has_picture = has_picture || kind.picture;
    track.frames.back().key = track.frames.back().key || kind.key;
    h265 ? packetizer.AddH265Nal(nal) : packetizer.AddH264Nal(nal);
  }
  if (open) packetizer.CloseFrame();
  if (track.frames.empty() || sets[0].size() < 4) {
    return Error(ErrorCode::kInvalidArgument, path + ": no Annex B stream of " + track.codec);
  }
  track.sdp = VideoSdp(track, sets);
  return track;
}

Result<ClipTrack> LoadAudio(const std::string& path) {
  PS_TRY(const std::vector<uint8_t> stream, ReadFile(path));
  constexpr std::array<uint32_t, 13> kRates = {96'000, 88'200, 64'000, 48'000, 44'100,
                                               32'000, 24'000, 22'050, 16'000, 12'000,
                                               11'025, 8'000,  7'350};
  constexpr size_t kAdtsHeaderBytes = 7;
  ClipTrack track;
  track.codec = "AAC";
  track.payload_type = 97;
  track.ticks_per_frame = 1024;

  Packetizer packetizer(track);
  ByteSpan rest(stream);
  while (rest.size() >= kAdtsHeaderBytes) {
    const size_t bytes = (rest[3] & 3u) << 11 | rest[4] << 3 | rest[5] >> 5;
    const size_t header = (rest[1] & 1) != 0 ? kAdtsHeaderBytes : kAdtsHeaderBytes + 2;
    const unsigned rate = rest[2] >> 2 & 0xF;
    if (rest[0] != 0xFF || (rest[1] & 0xF6) != 0xF0 || bytes <= header || bytes > rest.size() ||
        rate >= kRates.size()) {
      return Error(ErrorCode::kInvalidArgument, path + ": no ADTS stream");
    }
    if (track.frames.empty()) {
      const unsigned object_type = (rest[2] >> 6) + 1u;
      const unsigned channels = (rest[2] & 1u) << 2 | rest[3] >> 6;
      track.clock_rate = kRates[rate];
      track.sdp = fmt::format(
          "a=rtpmap:97 MPEG4-GENERIC/{}/{}\r\na=fmtp:97 "
          "streamtype=5;profile-level-id=1;mode=AAC-hbr;"
          "sizelength=13;indexlength=3;indexdeltalength=3;config={:04X}\r\n",
          track.clock_rate, channels, object_type << 11 | rate << 7 | channels << 3);
    }
    packetizer.OpenFrame();
    packetizer.AddAac(rest.subspan(header, bytes - header));
    packetizer.CloseFrame();
    rest = rest.subspan(bytes);
  }
  if (track.frames.empty()) return Error(ErrorCode::kInvalidArgument, path + ": no ADTS stream");
  return track;
}

Status MakeClip(const std::string& folder, uint32_t kilobits_per_second) {
  namespace fs = std::filesystem;
  if (fs::exists(folder + "/video.h264") && fs::exists(folder + "/audio.aac")) return {};
  std::error_code error;
  fs::create_directories(folder, error);
  const std::string rate = std::to_string(kilobits_per_second) + "k";
  // Written under other names first: a folder that has the names has whole files.
  const std::string command =
      "ffmpeg -v error -nostdin -y -f lavfi -i "
      "'testsrc2=size=1280x720:rate=25,noise=alls=12:allf=t' "
      "-f lavfi -i 'sine=frequency=440:sample_rate=48000' "
      "-t 16 -map 0:v -c:v libx264 -preset veryfast -tune zerolatency -profile:v main -pix_fmt "
      "yuv420p "
      "-b:v " +
      rate + " -maxrate " + rate + " -bufsize " + rate +
      " -g 50 -keyint_min 50 -sc_threshold 0 -bf 0 -threads 1 -f h264 '" + folder +
      "/video.part' "
      "-t 16 -map 1:a -c:a aac -b:a 128k -ac 2 -f adts '" +
      folder + "/audio.part'";
  if (std::system(command.c_str()) != 0) {
    return Error(ErrorCode::kUnavailable, "ffmpeg could not make the clip in " + folder);
  }
  fs::rename(folder + "/audio.part", folder + "/audio.aac", error);
  if (!error) fs::rename(folder + "/video.part", folder + "/video.h264", error);
  if (error) return Error(ErrorCode::kIo, folder + ": " + error.message());
  return {};
}

}  // namespace camsim
