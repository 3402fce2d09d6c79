// What a producer asks for with a fragment: facts beside those of ItemFlags, in the same field.
// Whoever acts on them finds the fragments in the index and reads no others.
#pragma once

#include "store/item.h"

namespace penstock::store {

// Stored bits; never renumber. ItemFlags has the lower ones.
enum AskedFlags : uint32_t {
  kFlagAsksNotification = 1u << 8,  // tagged AWS_KINESISVIDEO_NOTIFICATION
};

}  // namespace penstock::store
