// A row of `items` and `track_sets`: an item's record packed with varints.
#pragma once

#include "store/index/index.h"

namespace penstock::store {

std::string EncodeStoredItem(const StoredItem& item);
Result<StoredItem> DecodeStoredItem(const ShardId& shard, ByteSpan bytes);

}  // namespace penstock::store
