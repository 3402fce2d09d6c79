// The newest media before a place of a shard.
#pragma once

#include <memory>
#include <optional>

#include "store/shard.h"

namespace penstock::store {

// The last visible fragment before `ordinal`, or the last gap if that is newer: what is known of
// the time there. Abandoned slots tell nothing and are passed over. nullopt: nothing is kept there.
Task<Result<std::optional<ItemHeader>>> MediaBefore(std::shared_ptr<Shard> shard, uint64_t ordinal);

}  // namespace penstock::store
