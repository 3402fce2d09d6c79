#include "server/service.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "base/log.h"
#include "base/metrics.h"
#include "ingest/publication_registry.h"
#include "ingest/rtsp/endpoints.h"
#include "ingest/source_supervisor.h"
#include "ingest/upload/uploads.h"
#include "net/event_loop.h"
#include "net/http/server.h"
#include "playback/dash/dash_service.h"
#include "playback/hls/hls_service.h"
#include "playback/images/image_service.h"
#include "server/auth/key_ring.h"
#include "server/auth/master_key.h"
#include "server/cli/client.h"
#include "server/config/identity.h"
#include "server/config/settings.h"
#include "server/http/front.h"
#include "server/images/destinations.h"
#include "server/images/image_generator.h"
#include "server/notifications/notifier.h"
#include "server/operations/aws_context.h"
#include "server/outgoing/configured.h"
#include "store/disk/disk.h"
#include "store/store.h"

namespace penstock::server {
namespace {

constexpr std::string_view kAdminUser = "admin";

size_t LoopCount(const Config& config) {
  if (config.threads != 0) return config.threads;
  return std::max(1u, std::thread::hardware_concurrency());
}

store::StoreOptions StoreOptionsOf(const Config& config) {
  store::StoreOptions options;
  options.directory = config.data;
  options.lanes = static_cast<int>(config.store_lanes);
  options.segment_bytes = config.store_segment_bytes;
  options.full_at = config.store_full_at;
  options.min_free_bytes = config.store_min_free_bytes;
  options.read_threads = config.store_read_threads;
  return options;
}

ingest::RecordingOptions RecordingOptionsOf(const Config& config) {
  ingest::RecordingOptions options;
  options.cut.duration_min = config.fragment_min;
  options.cut.duration_max = config.fragment_max;
  options.cut.bytes_min = config.fragment_min_bytes;
  options.cut.bytes_max = config.fragment_max_bytes;
  options.retention_hours = config.retention_hours();
  return options;
}

ingest::UploadOptions UploadOptionsOf(const Config& config) {
  ingest::UploadOptions options;
  options.connections = config.put_media_connections;
  options.limits.fragment_bytes = config.put_media_fragment_bytes;
  options.limits.fragment_time = config.put_media_fragment_time;
  options.limits.tracks = config.put_media_tracks;
  options.limits.tags = config.put_media_tags;
  options.limits.every_track = config.put_media_every_track;
  return options;
}

void SetAws(const Config& config, aws::Context& aws) {
  aws.region = config.aws_region;
  aws.account = config.aws_account;
  aws.public_url = config.public_url;
  aws.media_idle = config.aws_media_idle;
  aws.images_directory = config.images_directory;
  aws.media_readers_max = config.aws_media_readers;
  aws.clip_fragments = config.clip_fragments;
  aws.clip_bytes = config.clip_bytes;
  aws.put_media_idle = config.put_media_idle;
  aws.put_media_lasts = config.put_media_lasts;
  aws.put_media_short_start_is_ms = config.put_media_short_start_is_ms;
}

void SetLive(const Config& config, LiveSettings& settings) {
  settings.retention_hours = config.retention_hours();
  settings.log_requests = config.log_requests;
}

void NoteIdentity(const net::CertificateFacts& facts) {
  metrics::GetGauge("penstock_tls_certificate_ends_timestamp_seconds",
                    "When the certificate that doors with TLS show ends")
      .Set(ToMs(facts.ends) / 1000);
}

// From now on, to those who come.
void Show(net::TlsIdentity& identity, std::shared_ptr<const net::TlsContext> next) {
  const net::CertificateFacts& facts = next->shown();
  if (facts.fingerprint != identity.Get()->shown().fingerprint) {
    log::Write(log::kInfo, "certificate renewed",
               {{"fingerprint", facts.fingerprint}, {"ends", FormatRfc3339(facts.ends)}});
  }
  NoteIdentity(facts);
  identity.Set(std::move(next));
}

Status MakeFolder(const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (!failure) return Status();
  return Error(ErrorCode::kIo,
               fmt::format("cannot make {}: {}", folder.string(), failure.message()));
}

}  // namespace

// In the order of their making: each may use those above it, and members are destroyed in the
// opposite order.
struct Service::Parts {
  Parts(Config c, Clock& its_clock) : config(std::move(c)), clock(&its_clock) {}

  const Config config;      // the start's
  Config current = config;  // the newest reload's
  Clock* const clock;
  LiveSettings settings;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<KeyRing> keys;
  IdentityFiles identity_files;
  std::shared_ptr<net::TlsIdentity> identity;  // null: no door speaks TLS
  aws::Context aws;
  std::unique_ptr<net::EventLoops> loops;
  std::unique_ptr<Outgoing> outgoing;
  std::unique_ptr<Buckets> buckets;
  std::unique_ptr<notifications::Notifier> notifier;
  std::unique_ptr<ingest::PublicationRegistry> registry;
  std::unique_ptr<ingest::Uploads> uploads;
  std::unique_ptr<ingest::SourceSupervisor> sources;
  std::unique_ptr<playback::HlsService> hls;
  std::unique_ptr<playback::ImageService> images;
  std::unique_ptr<ThreadPool> image_files;
  std::unique_ptr<images::ImageGenerator> image_generator;
  std::unique_ptr<playback::DashService> dash;
  std::unique_ptr<HttpFront> front;
  std::unique_ptr<net::HttpServer> http;
  std::unique_ptr<ingest::rtsp::Server> rtsp;
};

Service::Service(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Service::~Service() { CHECK(parts_ == nullptr); }

Result<std::unique_ptr<Service>> Service::Start(Config config, Clock& clock) {
  std::unique_ptr<Service> service(new Service(std::make_unique<Parts>(std::move(config), clock)));
  Status started = service->StartParts(clock);
  if (!started.ok()) {
    service->Stop();
    return std::move(started).error();
  }
  return service;
}

Status Service::StartParts(Clock& clock) {
  Parts& p = *parts_;
  PS_TRY_VOID(CheckConfig(p.config));
  if (p.config.has_tls()) p.identity_files.Changed(p.config);
  PS_TRY(auto identity, LoadIdentity(p.config));
  if (identity != nullptr) {
    // Cameras are recorded all the same, and some clients only look at the fingerprint.
    if (identity->shown().ends <= clock.Now()) {
      log::Write(log::kWarning, "the certificate has ended",
                 {{"file", p.config.tls_certificate.string()},
                  {"ended", FormatRfc3339(identity->shown().ends)}});
    }
    NoteIdentity(identity->shown());
    p.identity = std::make_shared<net::TlsIdentity>(std::move(identity));
  }
  PS_TRY_VOID(MakeFolder(p.config.data));
  // The store first: its lock keeps a second server away from everything else in the folder.
  PS_TRY(p.store, store::Store::Open(StoreOptionsOf(p.config), store::RealDisk(), clock));
  PS_TRY(MasterKey master, MasterKey::OpenOrCreate(p.config.data / "master.key"));
  KeyRing::Options key_options;
  key_options.trust_loopback = p.config.trust_loopback;
  PS_TRY(p.keys, KeyRing::Load(p.store->catalog(), std::move(master), clock, key_options));
  if (p.keys->empty()) {
    PS_TRY(const AccessKey admin,
           SyncWait(p.keys->Create(std::string(kAdminUser), Role::kAdmin, {})));
    started_.admin_secret = admin.secret;
  }

  p.loops = std::make_unique<net::EventLoops>(LoopCount(p.config));
  p.registry =
      std::make_unique<ingest::PublicationRegistry>(*p.store, clock, RecordingOptionsOf(p.config));
  SyncWait(p.registry->Start());
  p.uploads =
      std::make_unique<ingest::Uploads>(*p.store, *p.registry, clock, UploadOptionsOf(p.config));
  SetAws(p.config, p.aws);
  p.aws.uploads = p.uploads.get();
  PS_TRY_VOID(StartOutgoing(clock));
  p.sources = std::make_unique<ingest::SourceSupervisor>(
      p.store->catalog(), *p.registry, *p.loops,
      [&clock, registry = p.registry.get()](net::EventLoop& loop, ingest::SourceConfig source,
                                            CancelToken token) {
        return ingest::rtsp::PullCamera(ingest::rtsp::ClientContext{loop, clock, *registry},
                                        std::move(source), std::move(token));
      });
  p.hls = std::make_unique<playback::HlsService>(
      *p.store, clock, playback::HlsOptions{.layout = p.config.hls_layout});
  p.images = std::make_unique<playback::ImageService>();
  p.aws.images = p.images.get();
  p.image_files = std::make_unique<ThreadPool>(1, "ps-image-files");
  images::ImageGenerationOptions generation;
  generation.account = p.config.aws_account;
  p.image_generator = std::make_unique<images::ImageGenerator>(
      *p.store, *p.images, clock,
      images::OpenPlaces(p.config.images_directory, *p.image_files, p.buckets.get()),
      std::move(generation));
  p.aws.image_generator = p.image_generator.get();
  p.dash = std::make_unique<playback::DashService>(*p.store, clock, p.hls->damaged());
  SetLive(p.config, p.settings);
  p.front = std::make_unique<HttpFront>(
      Services{*p.store, *p.sources, *p.keys, *p.hls, *p.dash, clock, p.aws, p.settings});

  p.http = std::make_unique<net::HttpServer>(*p.loops, p.front->handler());
  // A socket file left by a crash is in nobody's use: the store's lock is ours.
  std::error_code ignored;
  std::filesystem::remove(SocketOf(p.config.data), ignored);
  PS_TRY_VOID(p.http->ListenUnix(SocketOf(p.config.data).string()));
  if (const auto plain = p.config.PlainDoor()) {
    PS_TRY(started_.http, p.http->Listen(plain->address, plain->port));
    p.aws.http_port = started_.http->port;
  }
  if (p.config.https) {
    PS_TRY(started_.https,
           p.http->ListenTls(p.config.https->address, p.config.https->port, p.identity));
    p.aws.https_port = started_.https->port;
  }
  p.rtsp = std::make_unique<ingest::rtsp::Server>(*p.loops, *p.keys, *p.registry, clock);
  if (p.config.rtsp) {
    PS_TRY(started_.rtsp, p.rtsp->Listen(p.config.rtsp->address, p.config.rtsp->port));
  }
  if (p.config.rtsps) {
    PS_TRY(started_.rtsps,
           p.rtsp->ListenTls(p.config.rtsps->address, p.config.rtsps->port, p.identity));
  }
  p.image_generator->Start(p.loops->Next());
  return p.sources->Start(p.config.sources);
}

// What sends requests of its own.
Status Service::StartOutgoing(Clock& clock) {
  Parts& p = *parts_;
  PS_TRY(auto trust, LoadOutgoingTrust(p.config));
  PS_TRY(auto bucket_access, LoadBucketAccess(p.config));
  p.outgoing = std::make_unique<Outgoing>(*p.loops, std::move(trust));
  if (bucket_access)
    p.buckets = std::make_unique<Buckets>(*p.outgoing, clock, std::move(*bucket_access));
  notifications::Notifier::Options options;
  options.allowed = p.config.notifications_allow;
  options.give_up = p.config.notifications_give_up;
  p.notifier = std::make_unique<notifications::Notifier>(*p.store, *p.loops, p.aws, *p.outgoing,
                                                         clock, std::move(options));
  p.notifier->Start();
  p.aws.buckets = p.buckets.get();
  p.aws.notifier = p.notifier.get();
  return Status();
}

Result<Service::Reloaded> Service::Reload(Config config) {
  Parts& p = *parts_;
  PS_TRY_VOID(CheckConfig(config));
  PS_TRY(std::shared_ptr<const net::TlsContext> identity, LoadIdentity(config));
  // Doors are opened at the start only.
  if (p.identity == nullptr) identity = nullptr;
  if (identity != nullptr)
    PS_TRY_VOID(CheckRenewal(p.identity->Get()->shown(), identity->shown(), p.clock->Now()));
  Reloaded out;
  PS_TRY(out.sources, SyncWait(p.sources->Redeclare(config.sources)));
  for (const Setting& setting : Settings()) {
    const bool reloads = setting.effect == Effect::kReload;
    if (setting.access.same(reloads ? p.current : p.config, config)) continue;
    (reloads ? out.changed : out.wait_for_start).emplace_back(setting.name);
  }
  if (identity != nullptr) Show(*p.identity, std::move(identity));
  log::Configure(config.log_level, config.log_format);
  p.registry->SetOptions(RecordingOptionsOf(config));
  SetLive(config, p.settings);
  p.current = std::move(config);
  return out;
}

void Service::RenewCertificate() {
  Parts& p = *parts_;
  if (p.identity == nullptr || !p.identity_files.Changed(p.current)) return;
  auto identity = LoadIdentity(p.current);
  Status usable = identity.ok() ? Status() : Status(identity.error());
  // The file names no door any more, but this one is open.
  if (usable.ok() && *identity == nullptr) return;
  if (usable.ok())
    usable = CheckRenewal(p.identity->Get()->shown(), (*identity)->shown(), p.clock->Now());
  if (!usable.ok()) {
    log::Write(log::kError, "certificate not renewed: the old one stays in use",
               {{"error", usable.error().message()}});
    return;
  }
  Show(*p.identity, std::move(*identity));
}

void Service::Stop() {
  if (!parts_) return;
  Parts& p = *parts_;
  if (p.uploads) p.uploads->Stop();
  if (p.http) p.http->Stop(p.current.stop_within);
  if (p.registry) p.registry->Stop();
  if (p.rtsp) p.rtsp->Stop();
  if (p.sources) SyncWait(p.sources->Stop());
  if (p.registry) SyncWait(p.registry->Drain());
  if (p.images) p.images->Stop();
  if (p.image_generator) p.image_generator->Stop();
  p.rtsp.reset();
  p.http.reset();
  p.front.reset();
  if (p.notifier) p.notifier->Stop();
  // Readers under way hold the store open from the loops' threads; they end with the loops.
  if (p.store) {
    SyncWait(p.store->Close());
    // Only whose lock it is may take the socket away: it may be another server's. Best effort: the
    // next start removes it, too.
    std::error_code ignored;
    std::filesystem::remove(SocketOf(p.config.data), ignored);
  }
  if (p.loops) p.loops->Stop();
  parts_.reset();
}

}  // namespace penstock::server
