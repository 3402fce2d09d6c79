#pragma once

#include <optional>

#include "base/bytes.h"

namespace penstock::net {

// Quick rather than small: this runs on the loop, and playlists shrink to a tenth anyway. Nothing
// if memory is short.
std::optional<Bytes> GzipCompress(const ByteChain& plain);

}  // namespace penstock::net
