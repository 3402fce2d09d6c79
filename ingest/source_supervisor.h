// Runs a puller for every source, keeps them in the catalog, starts them again after a restart.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "ingest/publication_registry.h"
#include "ingest/sources.h"
#include "net/event_loop.h"
#include "store/catalog.h"

namespace penstock::ingest {

// Thread-safe. Stop before destruction.
class SourceSupervisor final : public Sources {
 public:
  // Pulls one camera until cancelled; rtsp::PullCamera in the service, a script in tests.
  using Puller =
      std::function<Task<void>(net::EventLoop& loop, SourceConfig config, CancelToken token)>;

  SourceSupervisor(store::Catalog& catalog, PublicationRegistry& registry, net::EventLoops& loops,
                   Puller puller);
  ~SourceSupervisor() override;

  // Starts what the catalog holds and the declarative ones of the configuration. kAlreadyExists
  // names a source that is in both.
  Status Start(std::vector<SourceConfig> declarative);

  // The declarative sources are these from now on: ends those that are gone, connects anew to those
  // that differ, leaves the others alone. An error, as Start's, changes nothing; but if a command
  // adds a source of such a name at this very moment, it is that one which runs, the others are as
  // declared, and this is the error. One at a time.
  struct Changes {
    size_t added = 0;
    size_t removed = 0;
    size_t changed = 0;
  };
  Task<Result<Changes>> Redeclare(std::vector<SourceConfig> declarative);

  Task<Status> Add(SourceConfig config) override;
  Task<Status> Remove(StreamName name) override;
  std::vector<SourceConfig> List() const override;
  std::vector<PublicationStatus> GetStatus() const override { return registry_.GetStatus(); }
  store::GapReason WhyNothing(const StreamName& stream, const ShardId& shard,
                              uint64_t last) const override {
    return registry_.WhyNothing(stream, shard, last);
  }

  // Cancels every puller and waits for their TEARDOWNs.
  Task<void> Stop();

 private:
  struct Running {
    SourceConfig config;
    net::EventLoop* loop = nullptr;
    std::shared_ptr<TaskGroup> group;  // home: loop
    uint64_t version = 0;              // of the catalog entry; 0 for declarative ones
  };

  Status CheckDeclared(const std::vector<SourceConfig>& declarative) const;
  Status Launch(SourceConfig config, uint64_t version);
  static Task<void> Halt(std::shared_ptr<TaskGroup> group);
  // All at once, so that their TEARDOWNs go out side by side.
  static Task<void> HaltAll(std::vector<Running> sources);

  store::Catalog& catalog_;
  PublicationRegistry& registry_;
  net::EventLoops& loops_;
  Puller puller_;

  mutable std::mutex mutex_;
  std::map<StreamName, Running> running_;
  bool stopping_ = false;
};

}  // namespace penstock::ingest
