#include <algorithm>

#include "server/api/operations.h"

namespace penstock::server {

Task<Outcome> DescribeStore(Services& services, Call) {
  const store::Store::Stats stats = services.store.GetStats();
  uint64_t items = 0;
  uint64_t bytes = 0;
  const auto streams = services.store.ListStreams();
  for (const store::StreamInfo& info : streams) {
    const auto shard = services.store.OpenShard(info.shard);
    if (!shard) continue;
    const store::ShardStatus status = shard->GetStatus();
    items += status.items;
    bytes += status.body_bytes;
  }
  uint64_t bits_per_second = 0;
  for (const auto& publication : services.sources.GetStatus())
    bits_per_second += publication.bits_per_second;
  Json out;
  out.Set("bits_per_second", bits_per_second);
  // How long the volume keeps media that comes as it does now, if nothing else ends it before.
  const uint64_t going = stats.segment_bytes - std::min(stats.segment_bytes, stats.held_bytes);
  out.Set("keeps_seconds", bits_per_second == 0 ? Json()
                                                : Json((going + stats.usable_free_bytes) /
                                                       ((bits_per_second + 7) / 8)));
  out.Set("volume_bytes", stats.volume_bytes);
  out.Set("volume_free_bytes", stats.volume_free_bytes);
  out.Set("segment_files", stats.segment_files);
  out.Set("segment_bytes", stats.segment_bytes);
  out.Set("pending_items", stats.pending_items);
  out.Set("streams", streams.size());
  out.Set("items", items);
  out.Set("media_bytes", bytes);
  out.Set("holds", stats.holds);
  out.Set("held_bytes", stats.held_bytes);
  out.Set("read_only", stats.read_only);
  out.Set("full", stats.full);
  out.Set("unreadable_streams", stats.unreadable_streams);
  co_return JsonResponse(out);
}

}  // namespace penstock::server
