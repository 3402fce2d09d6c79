#include <cerrno>
#include <csignal>
#include <cstdio>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pthread.h>
#include <sys/resource.h>

#include "base/log.h"
#include "server/api/version.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/service_manager.h"
#include "server/config/settings.h"
#include "server/service.h"

namespace penstock::server {
namespace {

// How soon a renewed certificate is seen by itself.
constexpr std::chrono::seconds kCertificateLook{10};

// The file first, then the flags, which win.
Result<Config> ConfigOf(const Args& args) {
  Config config = DefaultConfig();
  if (const auto file = args.Flag("--config")) {
    PS_TRY_VOID(ApplyYamlFile(*file, config));
  }
  for (const auto& [flag, value] : args.flags()) {
    const Setting* setting = FindSettingByFlag(flag);
    if (setting == nullptr) continue;
    Status set = setting->access.set(config, value);
    if (!set.ok()) return std::move(set).error().With(flag);
  }
  PS_TRY_VOID(CheckConfig(config));
  return config;
}

// Blocked in every thread that is started afterwards; ServeUntilStopped takes them. Without a file
// to read again SIGHUP means what it always meant: the terminal is gone.
sigset_t BlockSignals(bool may_reload) {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (may_reload) sigaddset(&signals, SIGHUP);
  CHECK(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
  return signals;
}

void Reload(Service& service, const Args& args) {
  const auto config = ConfigOf(args);
  auto reloaded = config.ok() ? service.Reload(*config) : config.error();
  if (!reloaded.ok()) {
    log::Write(log::kError, "configuration not reloaded: nothing has changed",
               {{"error", reloaded.error().message()}});
    TellServiceManager(fmt::format("STATUS=not reloaded: {}", reloaded.error().message()));
    return;
  }
  log::Write(log::kInfo, "configuration reloaded",
             {{"settings", fmt::format("{}", fmt::join(reloaded->changed, " "))},
              {"sources_added", reloaded->sources.added},
              {"sources_removed", reloaded->sources.removed},
              {"sources_changed", reloaded->sources.changed}});
  const std::string waiting = fmt::format("{}", fmt::join(reloaded->wait_for_start, " "));
  if (!waiting.empty())
    log::Write(log::kWarning, "settings wait for a restart", {{"settings", waiting}});
  TellServiceManager("STATUS=" + (waiting.empty() ? "" : "wait for a restart: " + waiting));
}

// The next signal; meanwhile the certificate's files are looked at.
int NextSignal(Service& service, const sigset_t& signals) {
  while (true) {
    const timespec pause{kCertificateLook.count(), 0};
    const int received = sigtimedwait(&signals, nullptr, &pause);
    if (received > 0) return received;
    CHECK(errno == EAGAIN || errno == EINTR);
    if (errno == EAGAIN) service.RenewCertificate();
  }
}

void ServeUntilStopped(Service& service, const Args& args, const sigset_t& signals) {
  int received = 0;
  do {
    received = NextSignal(service, signals);
    if (received == SIGHUP) Reload(service, args);
  } while (received == SIGHUP);
  log::Write(log::kInfo, "stopping", {{"reason", received == SIGINT ? "interrupt" : "terminate"}});
  // Whoever presses Ctrl-C a second time does not want to wait; to the store that is a power cut
  // like any other. SIGTERM stays blocked: a script or service manager that passes on the Ctrl-C
  // that came here already asks for the same stop, and kills if it has to.
  std::signal(SIGINT, SIG_DFL);
  sigset_t again;
  sigemptyset(&again);
  sigaddset(&again, SIGINT);
  CHECK(pthread_sigmask(SIG_UNBLOCK, &again, nullptr) == 0);
}

// Shells and service managers give 1,024 by default and allow far more; every camera and viewer
// needs one. Best effort: with fewer, connections are refused earlier.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

std::string Url(const net::Endpoint& at) {
  const bool any = at.address == "0.0.0.0" || at.address == "::";
  return any ? fmt::format("localhost:{}", at.port) : at.ToString();
}

// For the person in front of the terminal; the log goes to standard error.
void Announce(const Service::Started& started, const Config& config) {
  std::string text = fmt::format("penstock {}\n", Version());
  if (started.https) text += fmt::format("  page     https://{}/\n", Url(*started.https));
  if (started.http) text += fmt::format("  page     http://{}/\n", Url(*started.http));
  if (started.rtsp) text += fmt::format("  publish  rtsp://{}/<stream>\n", Url(*started.rtsp));
  if (started.rtsps) text += fmt::format("  publish  rtsps://{}/<stream>\n", Url(*started.rtsps));
  text += fmt::format("  data     {}\n",
                      std::filesystem::absolute(config.data).lexically_normal().string());
  if (!started.admin_secret.empty()) {
    text += fmt::format(
        "\nThis is the first start on this folder. Requests from this machine need no key; for all "
        "others this is the\n"
        "admin key. It is not shown again (`penstock key create` makes more):\n\n  {}\n",
        started.admin_secret);
    if (started.https || started.http) {
      text += fmt::format(
          "\nFrom elsewhere: {}://<this machine>:{}/#key={}\n", started.https ? "https" : "http",
          (started.https ? started.https : started.http)->port, started.admin_secret);
    }
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

int RunServe(const Args& args) {
  const auto config = ConfigOf(args);
  if (!config.ok()) {
    std::fputs(fmt::format("penstock: {}\n", config.error().message()).c_str(), stderr);
    return kUsage;
  }
  log::Configure(config->log_level, config->log_format);
  RaiseDescriptorLimit();
  const sigset_t signals = BlockSignals(args.Flag("--config").has_value());
  auto service = Service::Start(*config, SystemClock());
  if (!service.ok()) {
    Fail(service.error());
    return kFailed;
  }
  Announce((*service)->started(), *config);
  TellServiceManager("READY=1");
  ServeUntilStopped(**service, args, signals);
  TellServiceManager("STOPPING=1");
  (*service)->Stop();
  log::Write(log::kInfo, "stopped");
  return kDone;
}

}  // namespace penstock::server
