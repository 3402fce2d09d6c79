// The whole server in one object: what is opened when, and closed in the opposite order.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "ingest/source_supervisor.h"
#include "net/tcp.h"
#include "server/config/config.h"

namespace penstock::server {

// Runs from Start until Stop. Used by one thread that is no executor's.
//
// Start: folder, master key, store (recovers, claims), keys, HTTP and RTSP listen, sources are
// pulled. Stop: 1. Uploads end; HTTP accepts no more and lets requests end; cameras are still
// recorded. 2. Publishers and pulled cameras are ended (TEARDOWN).
// 3. Their last fragments reach the log. 4. Notifications pause at their place. 5. The store folds
// and closes. 6. The loops end.
// A crash at any point is a kill -9: what was acknowledged is there again.
class Service {
 public:
  // What the start found and made, for the person in front of the terminal.
  struct Started {
    std::optional<net::Endpoint> http;
    std::optional<net::Endpoint> https;
    std::optional<net::Endpoint> rtsp;
    std::optional<net::Endpoint> rtsps;
    std::string admin_secret;  // only at the very first start
  };

  // Whatever was opened before a failure is closed again. Blocks.
  static Result<std::unique_ptr<Service>> Start(Config config, Clock& clock);
  ~Service();  // Requires Stop.

  const Started& started() const { return started_; }

  // What came of a reload, for the log.
  struct Reloaded {
    std::vector<std::string> changed;         // settings, by name, that are in effect now
    std::vector<std::string> wait_for_start;  // that differ from the start's and cannot be
    ingest::SourceSupervisor::Changes sources;
  };
  // Takes what a running server can take of a configuration: the sources and the settings whose
  // effect is kReload, and reads the certificate's files again. An error leaves all as it was.
  // Blocks until cameras that are gone have been told good-bye.
  Result<Reloaded> Reload(Config config);
  // Reads the certificate's files if they have changed since they were read last; the log says what
  // came of it. For connections that come then; one that cannot be used leaves the old one in use.
  // Blocks for a moment.
  void RenewCertificate();
  // Idempotent. Blocks.
  void Stop();

 private:
  struct Parts;
  explicit Service(std::unique_ptr<Parts> parts);
  Status StartParts(Clock& clock);
  Status StartOutgoing(Clock& clock);

  std::unique_ptr<Parts> parts_;
  Started started_;
};

}  // namespace penstock::server
