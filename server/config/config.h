// What the operator may decide: the values, as the program uses them. Their names, defaults, limits
// and explanations are one table (server/config/settings.h). Coroutine-free, so that the parser can
// be fuzzed.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/log.h"
#include "base/result.h"
#include "ingest/source_config.h"
#include "playback/mp4/layout.h"
#include "server/config/allowed_hosts.h"
#include "server/config/units.h"

namespace penstock::server {

struct Config {
  std::filesystem::path data;
  std::optional<HostPort> http;
  bool http_is_default = true;  // nobody has named it; see PlainDoor
  std::optional<HostPort> https;
  std::optional<HostPort> rtsp;
  std::optional<HostPort> rtsps;
  std::filesystem::path tls_certificate;  // both may be empty
  std::filesystem::path tls_key;
  uint64_t threads = 0;
  bool trust_loopback = true;
  std::string public_url;  // without a slash at its end; may be empty
  std::string aws_region;
  std::string aws_account;
  std::chrono::milliseconds aws_media_idle{0};
  uint64_t aws_media_readers = 0;
  uint64_t clip_fragments = 0;
  uint64_t clip_bytes = 0;
  uint64_t put_media_connections = 0;
  uint64_t put_media_fragment_bytes = 0;
  std::chrono::milliseconds put_media_fragment_time{0};
  uint64_t put_media_tracks = 0;
  uint64_t put_media_tags = 0;
  bool put_media_every_track = true;
  std::chrono::milliseconds put_media_idle{0};
  std::chrono::milliseconds put_media_lasts{0};
  bool put_media_short_start_is_ms = false;
  std::filesystem::path images_directory;  // may be empty
  std::chrono::milliseconds stop_within{0};

  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kText;
  bool log_requests = true;

  std::chrono::milliseconds retention{0};
  std::chrono::milliseconds fragment_min{0};
  std::chrono::milliseconds fragment_max{0};
  uint64_t fragment_min_bytes = 0;
  uint64_t fragment_max_bytes = 0;

  uint64_t store_lanes = 1;
  uint64_t store_segment_bytes = 0;
  uint64_t store_read_threads = 0;
  double store_full_at = 0;
  uint64_t store_min_free_bytes = 0;  // 0: off

  playback::LayoutPolicy hls_layout = playback::LayoutPolicy::kAuto;

  AllowedHosts notifications_allow;
  std::chrono::milliseconds notifications_give_up{0};
  std::filesystem::path outgoing_ca;  // empty: the system's authorities
  std::string s3_endpoint;            // as public_url; empty: none
  std::string s3_region;
  std::string s3_access_key;
  std::filesystem::path s3_secret_key_file;

  std::vector<ingest::SourceConfig> sources;  // all declarative

  bool has_tls() const { return https || rtsps; }
  // Where plain HTTP is served. Beside a door with TLS, and where nobody has named another address,
  // that is for this machine only.
  std::optional<HostPort> PlainDoor() const {
    if (http && https && http_is_default) return HostPort{"127.0.0.1", http->port};
    return http;
  }
  uint32_t retention_hours() const {
    return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::hours>(retention).count());
  }
};

// Every setting at its default.
Config DefaultConfig();

// Sets what the YAML text names. `file` is for messages only ("penstock.yaml"). An error names file
// and line and, for an unknown key, the one that was probably meant; `config` is then half changed.
Status ApplyYaml(std::string_view text, std::string_view file, Config& config);
Status ApplyYamlFile(const std::filesystem::path& path, Config& config);

// Rules between settings; called when everything has been applied.
Status CheckConfig(const Config& config);

}  // namespace penstock::server
