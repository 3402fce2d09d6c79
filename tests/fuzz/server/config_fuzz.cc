// The configuration file: whatever it holds is either applied or refused with a place and a reason;
// a second reading says the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "server/config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock::server;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Config config = DefaultConfig();
  const penstock::Status first = ApplyYaml(text, "fuzz.yaml", config);
  Config again = DefaultConfig();
  const penstock::Status second = ApplyYaml(text, "fuzz.yaml", again);
  CHECK(first.ok() == second.ok());
  if (!first.ok()) {
    CHECK(first.error().message() == second.error().message());
    CHECK(first.error().message().find("fuzz.yaml") == 0);
    return 0;
  }
  CHECK(config.sources.size() == again.sources.size());
  CHECK(config.http == again.http);
  return 0;
}
