// A signaling channel: what is kept of it, and how the video services describe it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/json.h"
#include "base/task.h"
#include "base/time.h"
#include "server/operations/aws_context.h"
#include "store/catalog.h"

namespace penstock::server::aws::video {

// What Amazon allows an account where it allows most. The next one is refused.
inline constexpr size_t kChannelsMax = 10'000;

// Kept in the catalog, for as long as it lives. Named by the rules of streams, in a space of names
// of its own.
struct Channel {
  StreamName name;
  ServerTime created;
  std::string version;  // 20 letters and digits, others after each change of its description
  int64_t message_ttl_seconds = 60;  // how long a message waits for who is not connected
  Json tags;                         // an object of texts, or null
  bool stores_media = false;
  std::string storage_arn;     // of the stream into which it stores, or did
  uint64_t entry_version = 0;  // of its catalog entry; 0: not saved yet
};

std::string NewChannelVersion();
std::string ChannelKey(const StreamName& name);
// As an entry's value and back; nullopt for an entry that is none.
Bytes EncodeChannel(const Channel& channel);
std::optional<Channel> DecodeChannel(const store::CatalogEntry& entry);

std::optional<Channel> LoadChannel(const store::Catalog& catalog, const StreamName& name);
// Channels whose names start with `prefix`, behind `after` (empty: from the first), by name.
std::vector<Channel> ListChannels(const store::Catalog& catalog, std::string_view prefix,
                                  std::string_view after, size_t limit);

// kAlreadyExists; kThrottled beyond kChannelsMax. Durable when it completes.
Task<Status> CreateChannel(store::Catalog& catalog, Channel channel);

// Applies `change` to what is stored now, and again if that has been changed meanwhile; durable
// when it completes. An error of `change` ends it. kNotFound if this life of the channel is over.
using ChannelChange = std::function<Status(Channel&)>;
Task<Status> ChangeChannel(store::Catalog& catalog, Channel channel, ChannelChange change);

// The ChannelInfo structure.
Json DescribeChannel(const Context& context, const Channel& channel);

}  // namespace penstock::server::aws::video
