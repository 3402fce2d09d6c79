#include "base/page_cache.h"

#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/testing/temp_dir.h"

namespace penstock {
namespace {

constexpr uint64_t kBytes = 3'000'001;

// A file that the page cache has let go of, as far as its file system can.
std::shared_ptr<const FileHandle> ColdFile() {
  const testing::TempDir folder;
  const int fd = open((folder.path() / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  EXPECT_GE(fd, 0);
  const std::string bytes(kBytes, 'x');
  EXPECT_EQ(write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  EXPECT_EQ(fdatasync(fd), 0);
  EXPECT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
  return std::make_shared<const FileHandle>(fd);
}

TEST(PageCache, BringsInRangesThatBeginAndEndWithinPages) {
  for (const auto& [offset, size] : {std::pair<uint64_t, uint64_t>{0, kBytes},
                                     {12'345, 540'000},
                                     {4095, 2},
                                     {kBytes - 1, 1},
                                     {8192, 4096},
                                     {100, 0}}) {
    const FileSlice range{ColdFile(), offset, size};
    BringIn(range);
    EXPECT_TRUE(IsResident(range)) << offset << " " << size;
  }
}

TEST(PageCache, LeavesTheRestOfALargeFileWhereItIs) {
  const auto file = ColdFile();
  const FileSlice whole{file, 0, kBytes};
  if (IsResident(whole)) {
    // A file system in memory: there is nothing to bring in, and nothing may break.
    BringIn(whole);
    EXPECT_TRUE(IsResident(whole));
    return;
  }
  const FileSlice range{file, 1'000'000, 10'000};
  EXPECT_FALSE(IsResident(range));
  BringIn(range);
  EXPECT_TRUE(IsResident(range));
  EXPECT_FALSE(IsResident({file, 0, 4096}));
}

TEST(PageCache, EndsWhereTheFileDoes) {
  const FileSlice beyond{ColdFile(), kBytes - 10, 1'000'000};
  BringIn(beyond);
  EXPECT_TRUE(IsResident({beyond.file, kBytes - 10, 10}));
}

}  // namespace
}  // namespace penstock
