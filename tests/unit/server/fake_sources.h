// Sources that a test scripts.
#pragma once

#include "ingest/sources.h"

namespace penstock::server {

class FakeSources final : public ingest::Sources {
 public:
  Task<Status> Add(ingest::SourceConfig config) override {
    for (const auto& known : configs) {
      if (known.name == config.name) co_return Error(ErrorCode::kAlreadyExists, "there is one");
    }
    configs.push_back(std::move(config));
    co_return Status();
  }
  Task<Status> Remove(StreamName name) override {
    for (size_t i = 0; i < configs.size(); ++i) {
      if (!(configs[i].name == name)) continue;
      if (configs[i].declarative)
        co_return Error(ErrorCode::kForbidden, "it stands in the configuration file");
      configs.erase(configs.begin() + static_cast<ptrdiff_t>(i));
      co_return Status();
    }
    co_return Error(ErrorCode::kNotFound, "there is none");
  }
  std::vector<ingest::SourceConfig> List() const override { return configs; }
  std::vector<ingest::PublicationStatus> GetStatus() const override { return publications; }

  store::GapReason WhyNothing(const StreamName&, const ShardId&, uint64_t) const override {
    return why_nothing;
  }

  std::vector<ingest::SourceConfig> configs;
  store::GapReason why_nothing = store::GapReason::kNone;
  std::vector<ingest::PublicationStatus> publications;
};

}  // namespace penstock::server
