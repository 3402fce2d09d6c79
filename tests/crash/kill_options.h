// What the killed process and the test that kills it agree upon.
#pragma once

#include <fmt/format.h>

#include "store/store.h"

namespace penstock::testing {

inline constexpr int kKillStreams = 4;

inline StreamName KillStream(int n) { return StreamName::Parse(fmt::format("cam{}", n)).value(); }

inline store::StoreOptions KillOptions(std::filesystem::path folder) {
  store::StoreOptions options;
  options.directory = std::move(folder);
  options.lanes = 2;
  options.segment_bytes = 1 << 20;  // so that each round rotates
  return options;
}

}  // namespace penstock::testing
