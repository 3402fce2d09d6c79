#include "ingest/source_supervisor.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"

namespace penstock::ingest {
namespace {

constexpr std::string_view kPrefix = "source/";

std::string KeyOf(const StreamName& name) { return std::string(kPrefix) + name.text(); }

}  // namespace

SourceSupervisor::SourceSupervisor(store::Catalog& catalog, PublicationRegistry& registry,
                                   net::EventLoops& loops, Puller puller)
    : catalog_(catalog), registry_(registry), loops_(loops), puller_(std::move(puller)) {}

SourceSupervisor::~SourceSupervisor() { CHECK(running_.empty()); }

Status SourceSupervisor::CheckDeclared(const std::vector<SourceConfig>& declarative) const {
  for (const SourceConfig& config : declarative) {
    if (!catalog_.Get(KeyOf(config.name))) continue;
    return Error(ErrorCode::kAlreadyExists,
                 fmt::format("source {} is both in the configuration file and added by the "
                             "command line: remove one",
                             config.name.text()));
  }
  return {};
}

Status SourceSupervisor::Start(std::vector<SourceConfig> declarative) {
  PS_TRY_VOID(CheckDeclared(declarative));
  for (SourceConfig& config : declarative) {
    config.declarative = true;
    PS_TRY_VOID(Launch(std::move(config), 0));
  }
  std::string after;
  for (;;) {
    const std::vector<store::CatalogEntry> page = catalog_.Scan(kPrefix, after, 256);
    if (page.empty()) return {};
    for (const store::CatalogEntry& entry : page) {
      after = entry.key;
      Result<Json> json = Json::Parse(entry.value.text());
      Result<SourceConfig> config =
          json.ok() ? SourceConfig::FromJson(*json) : Result<SourceConfig>(json.error());
      if (!config.ok()) {
        log::Write(log::kError, "source cannot be read",
                   {{"source", entry.key}, {"error", config.error().ToString()}});
        continue;
      }
      PS_TRY_VOID(Launch(std::move(config).value(), entry.version));
    }
  }
}

Status SourceSupervisor::Launch(SourceConfig config, uint64_t version) {
  // A stream's puller is always found on the same loop.
  net::EventLoop& loop = loops_[std::hash<StreamName>()(config.name) % loops_.size()];
  auto group = std::make_shared<TaskGroup>();
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return Error(ErrorCode::kUnavailable, "the server is stopping");
    const Running running{.config = config, .loop = &loop, .group = group, .version = version};
    if (!running_.emplace(config.name, running).second) {
      return Error(ErrorCode::kAlreadyExists,
                   fmt::format("there is a source named {}", config.name.text()));
    }
  }
  registry_.Expect(config.name, config.RedactedUrl());
  loop.Post([this, group, &loop, config = std::move(config)] {
    if (!group->token().cancelled()) group->Spawn(puller_(loop, config, group->token()));
  });
  return {};
}

Task<Result<SourceSupervisor::Changes>> SourceSupervisor::Redeclare(
    std::vector<SourceConfig> declarative) {
  PS_CO_TRY_VOID(CheckDeclared(declarative));
  std::map<StreamName, SourceConfig> wanted;
  for (SourceConfig& config : declarative) {
    config.declarative = true;
    const StreamName name = config.name;
    wanted.emplace(name, std::move(config));
  }
  Changes changes;
  std::vector<Running> over;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, running] : running_) {
      if (!running.config.declarative) continue;
      const auto now = wanted.find(name);
      if (now == wanted.end()) {
        ++changes.removed;
        over.push_back(running);
      } else if (now->second == running.config) {
        wanted.erase(now);
      } else {
        ++changes.changed;
        over.push_back(running);
      }
    }
  }
  changes.added = wanted.size() - changes.changed;
  co_await HaltAll(over);
  {
    const std::lock_guard lock(mutex_);
    for (const Running& source : over) running_.erase(source.config.name);
  }
  for (const Running& source : over) {
    if (wanted.contains(source.config.name)) continue;
    co_await registry_.NoteRemoval(source.config.name);
    registry_.Forget(source.config.name);
  }
  Status launched;
  for (auto& [name, config] : wanted) {
    Status one = Launch(std::move(config), 0);
    if (launched.ok()) launched = std::move(one);
  }
  PS_CO_TRY_VOID(std::move(launched));
  co_return changes;
}

Task<Status> SourceSupervisor::Add(SourceConfig config) {
  PS_CO_TRY_VOID(CheckSource(config));
  {
    const std::lock_guard lock(mutex_);
    if (running_.contains(config.name)) {
      co_return Error(ErrorCode::kAlreadyExists,
                      fmt::format("there is a source named {}", config.name.text()));
    }
  }
  const std::string key = KeyOf(config.name);
  std::vector<store::Expect> expects;
  expects.push_back(store::Expect{.key = key, .version = 0});
  std::vector<store::CatalogWrite> writes;
  writes.push_back(store::CatalogWrite{.key = key, .value = Bytes::From(config.ToJson().Dump())});
  const Status stored = co_await catalog_.Txn(std::move(expects), std::move(writes), std::string());
  if (!stored.ok()) {
    if (stored.error().code() != ErrorCode::kConflict) co_return stored;
    co_return Error(ErrorCode::kAlreadyExists,
                    fmt::format("there is a source named {}", config.name.text()));
  }
  const std::optional<store::CatalogEntry> entry = catalog_.Get(key);
  log::Write(log::kInfo, "source added",
             {{"stream", config.name.text()}, {"url", config.RedactedUrl()}});
  co_return Launch(std::move(config), entry ? entry->version : 1);
}

Task<void> SourceSupervisor::Halt(std::shared_ptr<TaskGroup> group) {
  group->Cancel();
  co_await group->Join();
}

Task<void> SourceSupervisor::HaltAll(std::vector<Running> sources) {
  for (const Running& source : sources) {
    source.loop->Post([group = source.group] { group->Cancel(); });
  }
  for (const Running& source : sources) co_await RunOn(*source.loop, Halt(source.group));
}

Task<Status> SourceSupervisor::Remove(StreamName name) {
  std::optional<Running> found;
  {
    const std::lock_guard lock(mutex_);
    const auto at = running_.find(name);
    if (at == running_.end())
      co_return Error(ErrorCode::kNotFound, fmt::format("no source named {}", name.text()));
    found.emplace(at->second);
  }
  if (found->config.declarative) {
    co_return Error(
        ErrorCode::kForbidden,
        fmt::format("source {} is in the configuration file: remove it there", name.text()));
  }
  // Of two that remove it at the same time one gets through: only that one may halt the group.
  std::vector<store::Expect> expects;
  expects.push_back(store::Expect{.key = KeyOf(name), .version = found->version});
  std::vector<store::CatalogWrite> writes;
  writes.push_back(store::CatalogWrite{.key = KeyOf(name), .value = std::nullopt});
  Status erased = co_await catalog_.Txn(std::move(expects), std::move(writes), std::string());
  if (!erased.ok() && erased.error().code() == ErrorCode::kConflict)
    erased = Error(ErrorCode::kNotFound, fmt::format("source {} is being removed", name.text()));
  PS_CO_TRY_VOID(std::move(erased));
  co_await RunOn(*found->loop, Halt(found->group));
  co_await registry_.NoteRemoval(name);
  {
    const std::lock_guard lock(mutex_);
    running_.erase(name);
  }
  registry_.Forget(name);
  log::Write(log::kInfo, "source removed", {{"stream", name.text()}});
  co_return Status();
}

std::vector<SourceConfig> SourceSupervisor::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<SourceConfig> out;
  for (const auto& [name, running] : running_) out.push_back(running.config);
  return out;
}

Task<void> SourceSupervisor::Stop() {
  std::vector<Running> running;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [name, source] : running_) running.push_back(source);
  }
  co_await HaltAll(std::move(running));
  const std::lock_guard lock(mutex_);
  running_.clear();
}

}  // namespace penstock::ingest
