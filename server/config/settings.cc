#include "server/config/settings.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/limits.h"
#include "server/config/outgoing_settings.h"
#include "server/config/setting_access.h"

namespace penstock::server {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

Error Invalid(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

SettingAccess Path(std::filesystem::path Config::*member) {
  return Member(member, [member](Config& config, std::string_view text) -> Status {
    if (text.empty()) return Invalid("a path is needed");
    config.*member = std::filesystem::path(text);
    return Status();
  });
}

// Empty: none.
SettingAccess File(std::filesystem::path Config::*member) {
  return Member(member, [member](Config& config, std::string_view text) -> Status {
    config.*member = std::filesystem::path(text);
    return Status();
  });
}

SettingAccess Listen(std::optional<HostPort> Config::*member) {
  return Member(member, [member](Config& config, std::string_view text) -> Status {
    PS_TRY(config.*member, ParseListen(text));
    return Status();
  });
}

SettingAccess ListenHttp() {
  SettingAccess access = Listen(&Config::http);
  access.set = [set = access.set](Config& config, std::string_view text) -> Status {
    PS_TRY_VOID(set(config, text));
    config.http_is_default = false;
    return Status();
  };
  return access;
}

SettingAccess Count(uint64_t Config::*member, uint64_t least, uint64_t most) {
  return Member(member, [=](Config& config, std::string_view text) -> Status {
    PS_TRY(const uint64_t value, ParseCount(text));
    if (value < least || value > most) {
      return Invalid(fmt::format("{} is not between {} and {}", value, least, most));
    }
    config.*member = value;
    return Status();
  });
}

SettingAccess Size(uint64_t Config::*member, uint64_t least, uint64_t most) {
  return Member(member, [=](Config& config, std::string_view text) -> Status {
    PS_TRY(const uint64_t value, ParseByteSize(text));
    if (value < least || value > most) {
      return Invalid(fmt::format("{} is not between {} and {}", text, FormatByteSize(least),
                                 FormatByteSize(most)));
    }
    config.*member = value;
    return Status();
  });
}

// 0 is "choose for me"; anything else lies within the limits.
SettingAccess SizeOrAuto(uint64_t Config::*member, uint64_t least, uint64_t most) {
  return Member(
      member,
      [member, size = Size(member, least, most)](Config& config, std::string_view text) -> Status {
        PS_TRY(const uint64_t value, ParseByteSize(text));
        if (value != 0) return size.set(config, text);
        config.*member = 0;
        return Status();
      });
}

SettingAccess Duration(milliseconds Config::*member, milliseconds least, milliseconds most) {
  return Member(member, [=](Config& config, std::string_view text) -> Status {
    PS_TRY(const milliseconds value, ParseDuration(text));
    if (value < least || value > most) {
      return Invalid(fmt::format("{} is not between {} and {}", text, FormatDuration(least),
                                 FormatDuration(most)));
    }
    config.*member = value;
    return Status();
  });
}

SettingAccess Bool(bool Config::*member) {
  return Member(member, [member](Config& config, std::string_view text) -> Status {
    PS_TRY(config.*member, ParseBool(text));
    return Status();
  });
}

SettingAccess Share(double Config::*member, double least, double most) {
  return Member(member, [=](Config& config, std::string_view text) -> Status {
    PS_TRY(const double value, ParseShare(text));
    if (value < least || value > most) {
      return Invalid(
          fmt::format("{} is not between {:.0f}% and {:.0f}%", text, least * 100, most * 100));
    }
    config.*member = value;
    return Status();
  });
}

Status SetRetention(Config& config, std::string_view text) {
  PS_TRY(const milliseconds value, ParseDuration(text));
  if (value % hours(1) != milliseconds(0))
    return Invalid(fmt::format("{} is not a whole number of hours", text));
  if (value > hours(limits::kRetentionHoursMax)) {
    return Invalid(
        fmt::format("{} is more than {} hours (ten years)", text, limits::kRetentionHoursMax));
  }
  config.retention = value;
  return Status();
}

Status SetAccount(Config& config, std::string_view text) {
  const bool good = text.size() == 12 && std::all_of(text.begin(), text.end(),
                                                     [](char c) { return c >= '0' && c <= '9'; });
  if (!good) return Invalid(fmt::format("'{}' is not 12 digits", text));
  config.aws_account = text;
  return Status();
}

Status SetLogLevel(Config& config, std::string_view text) {
  if (text == "debug")
    config.log_level = log::kDebug;
  else if (text == "info")
    config.log_level = log::kInfo;
  else if (text == "warning")
    config.log_level = log::kWarning;
  else if (text == "error")
    config.log_level = log::kError;
  else
    return Invalid(fmt::format("'{}' is none of debug, info, warning, error", text));
  return Status();
}

Status SetLogFormat(Config& config, std::string_view text) {
  if (text == "text")
    config.log_format = log::Format::kText;
  else if (text == "json")
    config.log_format = log::Format::kJson;
  else
    return Invalid(fmt::format("'{}' is neither text nor json", text));
  return Status();
}

Status SetHlsLayout(Config& config, std::string_view text) {
  if (text == "auto")
    config.hls_layout = playback::LayoutPolicy::kAuto;
  else if (text == "contiguous")
    config.hls_layout = playback::LayoutPolicy::kContiguous;
  else if (text == "verbatim")
    config.hls_layout = playback::LayoutPolicy::kVerbatim;
  else
    return Invalid(fmt::format("'{}' is none of auto, contiguous, verbatim", text));
  return Status();
}

std::vector<Setting> MakeSettings() {
  return {
      {"data", "path", "./penstock-data", "",
       "The folder that holds everything: media, index, keys. One server at a time may use it; "
       "for one that runs as a system service, /var/lib/penstock is the usual place.",
       Path(&Config::data)},
      {"http", "address", "0.0.0.0:8080", "host:port, port, or off",
       "Where the page, playback and the API are served. Every address by default: whoever is not "
       "on this machine needs a key "
       "(`penstock key create`), which goes over the network as it is. Write 127.0.0.1:8080 to be "
       "reachable from this machine only; that is the default where `https` is set.",
       ListenHttp()},
      {"https", "address", "off", "host:port, port, or off",
       "The same over TLS 1.2 and 1.3: https://host:8443/, if this is 8443. Needs tls.certificate "
       "and tls.key (`penstock cert create` makes some).",
       Listen(&Config::https)},
      {"rtsp", "address", "0.0.0.0:8554", "host:port, port, or off",
       "Where cameras and encoders push to: rtsp://host:8554/<stream>. Publishers that are not on "
       "this machine need a key.",
       Listen(&Config::rtsp)},
      {"rtsps", "address", "off", "host:port, port, or off",
       "Where cameras and encoders push to over TLS: rtsps://host:8322/<stream>, if this is 8322. "
       "Needs tls.certificate and tls.key. Publishers need keys as without TLS.",
       Listen(&Config::rtsps)},
      {"tls.certificate", "path", "", "a PEM file",
       "The server's certificate, for all doors with TLS, followed by those that lead to its "
       "authority. The file is read again with each reload and within ten seconds after it has "
       "changed, for connections that come then; one that cannot be used or has ended leaves the "
       "old one in use.",
       File(&Config::tls_certificate), Effect::kReload},
      {"tls.key", "path", "", "a PEM file without a password",
       "The key that belongs to tls.certificate. Read when that is.", File(&Config::tls_key),
       Effect::kReload},
      {"threads", "number", "0", "0 to 256; 0 is one per core",
       "Threads that serve sockets. Neither cameras nor viewers add any.",
       Count(&Config::threads, 0, 256)},
      {"trust_loopback", "yes or no", "true", "",
       "Whether requests from this machine to localhost need no key. Turn it off where a reverse "
       "proxy on this machine forwards "
       "requests without X-Forwarded-For or Forwarded headers, or where other people have accounts "
       "on it.",
       Bool(&Config::trust_loopback)},
      {"public_url", "URL", "", "http://host[:port] or https://host[:port]",
       "Where clients of Amazon's API reach this server, as GetDataEndpoint tells them. Empty: the "
       "host they asked it at. Needed behind a proxy or "
       "a mapped port.",
       Parsed(&Config::public_url, ParseServerUrl)},
      {"aws.region", "name", "us-east-1", "letters, digits and -",
       "The region in the ARNs of Amazon's API. Requests may be signed for any region.",
       Parsed(&Config::aws_region, ParseRegion)},
      {"aws.account", "number", "000000000000", "12 digits",
       "The account in the ARNs of Amazon's API.", Member(&Config::aws_account, SetAccount)},
      {"aws.media_idle", "duration", "3s", "1s to 10m",
       "GetMedia ends its answer when a stream has had nothing new for this long; clients go on "
       "with "
       "their continuation token.",
       Duration(&Config::aws_media_idle, seconds(1), seconds(600))},
      {"aws.media_readers", "number", "64", "1 to 10000",
       "How many may read one stream by GetMedia at the same time; the next is refused. Each holds "
       "a connection and one fragment.",
       Count(&Config::aws_media_readers, 1, 10'000)},
      {"clip.fragments", "number", "200", "1 to 100000",
       "How many fragments GetClip puts into one file: the first ones of the range. The default is "
       "Amazon's. What is said of each frame is in memory while a clip is sent, 40 bytes a frame.",
       Count(&Config::clip_fragments, 1, 100'000)},
      {"clip.bytes", "size", "100MiB", "1MB to 1TB",
       "How many bytes of media GetClip puts into one file. The default is Amazon's.",
       Size(&Config::clip_bytes, 1'000'000, 1'000'000'000'000)},
      {"put_media.connections", "number", "16", "1 to 1000",
       "How many connections may upload to one stream at the same time (PutMedia). A producer "
       "needs "
       "two when its credentials change; one that is cut may leave some behind for put_media.idle.",
       Count(&Config::put_media_connections, 1, 1000)},
      {"put_media.fragment_bytes", "size", "50MB", "1MB to 50MB",
       "The largest fragment that is taken; a larger one ends the upload with error 4001.",
       Size(&Config::put_media_fragment_bytes, 1'000'000, limits::kFragmentBytesMax)},
      {"put_media.fragment_duration", "duration", "20s", "1s to 60s",
       "How far a frame may lie from the begin of its fragment; beyond, error 4002.",
       Duration(&Config::put_media_fragment_time, seconds(1), seconds(60))},
      {"put_media.tracks", "number", "3", "1 to 16",
       "How many tracks an upload may have; more are error 4012.",
       Count(&Config::put_media_tracks, 1, limits::kTracksMax)},
      {"put_media.tags", "number", "10", "0 to 1000",
       "How many tags of its own a producer may send with a fragment; more are error 4009.",
       Count(&Config::put_media_tags, 0, 1000)},
      {"put_media.every_track", "yes or no", "true", "",
       "Whether each fragment needs a frame of every track; one without is error 4011. Turn it off "
       "for producers whose sound pauses.",
       Bool(&Config::put_media_every_track)},
      {"put_media.idle", "duration", "30s", "3s to 60s",
       "An upload ends when nothing came for this long.",
       Duration(&Config::put_media_idle, seconds(3), seconds(60))},
      {"put_media.lasts", "duration", "12h", "1m to 168h",
       "A connection that is older is ended with error 4003; producers open another one then.",
       Duration(&Config::put_media_lasts, seconds(60), hours(168))},
      {"put_media.short_start_is_ms", "yes or no", "false", "",
       "Whether a producer's start time with less than three decimals counts milliseconds: the C "
       "and C++ producers write 5 ms as .5. Matters for relative timecodes only.",
       Bool(&Config::put_media_short_start_is_ms)},
      {"images.directory", "path", "", "",
       "The folder below which images of streams may be written, as their image generation "
       "configurations ask (file:///that/folder/...). Empty: nowhere.",
       File(&Config::images_directory)},
      {"stop_within", "duration", "10s", "0 to 5m",
       "How long requests that are under way may take to finish when the server is told to stop.",
       Duration(&Config::stop_within, milliseconds(0), seconds(300)), Effect::kReload},
      {"retention", "duration", "24h", "whole hours; 0 to 87600h",
       "How long a new stream keeps its media; 0 is live only, nothing is stored. Change one that "
       "exists with "
       "`penstock stream retention`.",
       Member(&Config::retention, SetRetention), Effect::kReload},
      {"fragment.min", "duration", "1s", "0 to 25s",
       "A fragment is not ended before it is this long, even if a key frame comes. Short fragments "
       "mean low latency, long ones "
       "fewer of them.",
       Duration(&Config::fragment_min, milliseconds(0), limits::kFragmentDurationMost),
       Effect::kReload},
      {"fragment.max", "duration", "10s", "100ms to 25s",
       "A fragment is ended after this time, even without a key frame. The next one then says that "
       "it begins without one (`no-keyframe`).",
       Duration(&Config::fragment_max, limits::kFragmentDurationLeast,
                limits::kFragmentDurationMost),
       Effect::kReload},
      {"fragment.min_bytes", "size", "0", "0 to 50MB",
       "A fragment is not ended by a key frame before it has this size, either, until it is as "
       "long "
       "as fragment.max. Spares cameras of a low rate many small fragments.",
       Size(&Config::fragment_min_bytes, 0, limits::kFragmentBytesMax), Effect::kReload},
      {"fragment.max_bytes", "size", "50MB", "1MB to 50MB",
       "A fragment is ended before it has more than this, even without a key frame.",
       Size(&Config::fragment_max_bytes, 1'000'000, limits::kFragmentBytesMax), Effect::kReload},
      {"hls.layout", "auto, contiguous or verbatim", "auto", "",
       "How the frames of an HLS segment lie. contiguous: each track's together, what every parser "
       "expects. verbatim: as they are stored, which costs the server a third of the CPU for "
       "stored "
       "media and some more bytes on the wire. auto: verbatim for stored media where that is at "
       "most about 1.25 % more.",
       Member(&Config::hls_layout, SetHlsLayout)},
      {"log.level", "debug, info, warning or error", "info", "",
       "The least important kind of event that is logged.", Member(&Config::log_level, SetLogLevel),
       Effect::kReload},
      {"log.format", "text or json", "text", "",
       "How events are written to standard error: for people, or one JSON object per line for "
       "programs.",
       Member(&Config::log_format, SetLogFormat), Effect::kReload},
      {"log.requests", "yes or no", "true", "",
       "Whether each HTTP request is logged when it ends. Keys never appear in the log.",
       Bool(&Config::log_requests), Effect::kReload},
      {"store.full_at", "share", "95%", "10% to 99%",
       "How full the volume may become. Beyond it nothing more is stored, sources and /healthz say "
       "so, and live viewing goes on.",
       Share(&Config::store_full_at, 0.10, 0.99)},
      {"store.min_free", "size", "0", "64MB or more; 0: off",
       "How much of the volume is to stay free. While less is, the oldest stored media of all "
       "streams goes before its retention is over. Only when less than half of this is free is "
       "anything refused. 0: nothing goes before its time, and a volume that is full stores "
       "nothing.",
       SizeOrAuto(&Config::store_min_free_bytes, 64'000'000, UINT64_C(1) << 50)},
      {"store.segment", "size", "0", "16MB to 1GB; 0 is a 500th of the volume within these limits",
       "Size of the files media is written to. Expired media is freed file by file.",
       SizeOrAuto(&Config::store_segment_bytes, 16'000'000, 1'073'741'824)},
      {"store.lanes", "number", "1", "1 to 16",
       "Logs written side by side. More than one helps only where the data folder spans several "
       "disks.",
       Count(&Config::store_lanes, 1, 16)},
      {"store.read_threads", "number", "4", "1 to 64",
       "Threads that read stored media from the disk. Spinning disks with many viewers profit from "
       "more.",
       Count(&Config::store_read_threads, 1, 64)},
  };
}

}  // namespace

std::string Setting::Flag() const {
  std::string flag = fmt::format("--{}", name);
  std::replace(flag.begin(), flag.end(), '.', '-');
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

const std::vector<Setting>& Settings() {
  static const std::vector<Setting> settings = [] {
    std::vector<Setting> all = MakeSettings();
    for (Setting& setting : OutgoingSettings()) all.push_back(std::move(setting));
    return all;
  }();
  return settings;
}

const Setting* FindSetting(std::string_view name) {
  for (const Setting& setting : Settings()) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

const Setting* FindSettingByFlag(std::string_view flag) {
  for (const Setting& setting : Settings()) {
    if (setting.Flag() == flag) return &setting;
  }
  return nullptr;
}

Config DefaultConfig() {
  Config config;
  for (const Setting& setting : Settings()) {
    const Status set = setting.access.set(config, setting.fallback);
    CHECK(set.ok());
  }
  config.http_is_default = true;
  return config;
}

Status CheckConfig(const Config& config) {
  if (config.fragment_min > config.fragment_max) {
    return Invalid(fmt::format("fragment.min ({}) is longer than fragment.max ({})",
                               FormatDuration(config.fragment_min),
                               FormatDuration(config.fragment_max)));
  }
  if (config.fragment_min_bytes > config.fragment_max_bytes) {
    return Invalid(fmt::format("fragment.min_bytes ({}) is more than fragment.max_bytes ({})",
                               FormatByteSize(config.fragment_min_bytes),
                               FormatByteSize(config.fragment_max_bytes)));
  }
  if (!config.s3_endpoint.empty() &&
      (config.s3_access_key.empty() || config.s3_secret_key_file.empty())) {
    return Invalid("s3.endpoint needs a key: set s3.access_key and s3.secret_key_file");
  }
  if (config.has_tls() && (config.tls_certificate.empty() || config.tls_key.empty())) {
    return Invalid(
        fmt::format("{} needs a certificate and its key: set tls.certificate and tls.key",
                    config.https ? "https" : "rtsps"));
  }
  return Status();
}

}  // namespace penstock::server
