#include "store/media_before.h"

#include <algorithm>

namespace penstock::store {
namespace {

// Abandoned slots come one at a time: the first look nearly always finds it.
constexpr uint64_t kLookBack = 16;

}  // namespace

Task<Result<std::optional<ItemHeader>>> MediaBefore(std::shared_ptr<Shard> shard,
                                                    uint64_t ordinal) {
  const ShardStatus status = shard->GetStatus();
  uint64_t end = std::min(ordinal, status.next_ordinal);
  const uint64_t begin = status.StretchStart(end);
  while (end > begin) {
    const uint64_t from = end - std::min(end - begin, kLookBack);
    const Selector place = FromOrdinal{from};
    PS_CO_TRY(const std::vector<ItemRef> items, co_await shard->Find(place, end - from));
    for (auto at = items.rbegin(); at != items.rend(); ++at) {
      const ItemHeader& header = at->header;
      const bool tells = header.kind == ItemKind::kFragment || header.kind == ItemKind::kGap;
      if (tells && header.ordinal < end) co_return std::optional<ItemHeader>(header);
    }
    end = from;
  }
  co_return std::optional<ItemHeader>();
}

}  // namespace penstock::store
