#include "tests/testing/temp_dir.h"

#include <cstdlib>

#include "base/check.h"

namespace penstock::testing {

TempDir::TempDir() {
  // /var/tmp rather than /tmp: the latter is often RAM, and O_DIRECT and fdatasync should be the
  // real ones.
  std::string pattern = "/var/tmp/penstock-test-XXXXXX";
  CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;  // Best effort: a left-over folder in /var/tmp harms nothing.
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace penstock::testing
