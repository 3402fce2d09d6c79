#include "tests/testing_store/fault_disk.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>

#include <unistd.h>

#include "base/chunk_pool.h"
#include "tests/testing_store/fault_inode.h"

namespace penstock::testing {
namespace {

using store::Disk;
using store::DiskFile;
using ::testing::ElementsAre;

constexpr size_t kBlock = kDirectIoAlignment;

// One aligned block full of one letter.
class Block {
 public:
  explicit Block(char letter)
      : memory_(static_cast<char*>(std::aligned_alloc(kBlock, kBlock)), &std::free) {
    std::fill_n(memory_.get(), kBlock, letter);
  }
  iovec io() const { return {memory_.get(), kBlock}; }
  std::span<uint8_t> span() const { return {reinterpret_cast<uint8_t*>(memory_.get()), kBlock}; }
  std::string_view text() const { return {memory_.get(), kBlock}; }

 private:
  std::unique_ptr<char, void (*)(void*)> memory_;
};

Status WriteBlock(DiskFile& file, uint64_t offset, char letter) {
  const Block block(letter);
  const iovec io = block.io();
  return file.Write(offset, {&io, 1});
}

class FaultDiskTest : public ::testing::Test {
 protected:
  FaultDiskTest() {
    disk_.CreateDirectories("/d").value();
    disk_.SyncDirectory("/").value();
  }
  std::unique_ptr<DiskFile> Create(const char* path) {
    return disk_.Open(path, Disk::Mode::kCreate, true).value();
  }
  std::unique_ptr<DiskFile> CreateDurably(const char* path) {
    auto file = Create(path);
    disk_.SyncDirectory("/d").value();
    return file;
  }
  // What many power cuts leave of this file; "-" for no file.
  std::set<std::string> Outcomes(const char* path) {
    std::set<std::string> outcomes;
    for (uint64_t seed = 0; seed < 300; ++seed) {
      const auto left = disk_.Crash(seed, IndexAge::kNone);
      const auto files = left->Files();
      const bool there = std::find(files.begin(), files.end(), path) != files.end();
      outcomes.insert(there ? std::string(left->Contents(path).text()) : "-");
    }
    return outcomes;
  }

  FaultDisk disk_;
};

TEST_F(FaultDiskTest, WhatWasSyncedIsThereAfterEveryPowerCut) {
  auto file = CreateDurably("/d/a");
  WriteBlock(*file, 0, 'x').value();
  file->Sync().value();
  EXPECT_THAT(Outcomes("/d/a"), ElementsAre(std::string(kBlock, 'x')));
}

TEST_F(FaultDiskTest, WhatWasNotSyncedIsLostKeptOrTornSectorBySector) {
  auto file = CreateDurably("/d/a");
  WriteBlock(*file, 0, 'x').value();
  file->Sync().value();
  WriteBlock(*file, 0, 'y').value();
  WriteBlock(*file, 0, 'z').value();
  const std::set<std::string> outcomes = Outcomes("/d/a");
  EXPECT_TRUE(outcomes.contains(std::string(kBlock, 'x')));
  EXPECT_TRUE(outcomes.contains(std::string(kBlock, 'z')));
  EXPECT_GT(outcomes.size(), 20u);
  for (const std::string& outcome : outcomes) {
    ASSERT_EQ(outcome.size(), kBlock);
    for (size_t at = 0; at < kBlock; at += kSectorBytes) {
      const std::string sector = outcome.substr(at, kSectorBytes);
      EXPECT_EQ(sector, std::string(kSectorBytes, sector[0]));
    }
  }
}

TEST_F(FaultDiskTest, SizesThatWereNotSyncedMayBeForgottenAndLostSectorsAreZero) {
  auto file = CreateDurably("/d/a");
  file->Allocate(2 * kBlock).value();
  WriteBlock(*file, kBlock, 'x').value();
  std::set<size_t> sizes;
  for (const std::string& outcome : Outcomes("/d/a")) {
    sizes.insert(outcome.size());
    EXPECT_EQ(outcome.find_first_not_of(std::string_view("\0x", 2)), std::string::npos);
  }
  EXPECT_THAT(sizes, ElementsAre(0u, 2 * kBlock));
}

TEST_F(FaultDiskTest, TruncatedBytesDoNotComeBackWhenTheFileGrowsAgain) {
  auto file = CreateDurably("/d/a");
  WriteBlock(*file, 0, 'x').value();
  file->Truncate(0).value();
  file->Allocate(kBlock).value();
  file->Sync().value();
  EXPECT_THAT(Outcomes("/d/a"), ElementsAre(std::string(kBlock, '\0')));
}

TEST_F(FaultDiskTest, ANameIsOnlySureOnceItsDirectoryIsSynced) {
  auto file = Create("/d/a");
  WriteBlock(*file, 0, 'x').value();
  file->Sync().value();
  EXPECT_THAT(Outcomes("/d/a"), ElementsAre("-", std::string(kBlock, 'x')));
}

TEST_F(FaultDiskTest, ADirectoryThatIsForgottenTakesItsFilesAlong) {
  disk_.CreateDirectories("/d/e").value();
  auto file = Create("/d/e/a");
  disk_.SyncDirectory("/d/e").value();
  EXPECT_THAT(Outcomes("/d/e/a"), ElementsAre("", "-"));
}

TEST_F(FaultDiskTest, ARenameLeavesOneOfTheTwoNames) {
  auto file = CreateDurably("/d/a");
  WriteBlock(*file, 0, 'x').value();
  file->Sync().value();
  disk_.Rename("/d/a", "/d/b").value();
  bool kept = false;
  bool forgotten = false;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto files = disk_.Crash(seed, IndexAge::kNone)->Files();
    ASSERT_EQ(files.size(), 1u);
    (files[0] == "/d/b" ? kept : forgotten) = true;
  }
  EXPECT_TRUE(kept);
  EXPECT_TRUE(forgotten);
}

TEST_F(FaultDiskTest, AnUnlinkedFileMayComeBackUntilTheDirectoryIsSynced) {
  auto file = CreateDurably("/d/a");
  disk_.Unlink("/d/a").value();
  EXPECT_EQ(disk_.Open("/d/a", Disk::Mode::kRead, false).error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(Outcomes("/d/a"), ElementsAre("", "-"));
}

TEST_F(FaultDiskTest, AnUnlinkedFileIsGoneOnceTheDirectoryIsSynced) {
  auto file = CreateDurably("/d/a");
  disk_.Unlink("/d/a").value();
  disk_.SyncDirectory("/d").value();
  EXPECT_THAT(Outcomes("/d/a"), ElementsAre("-"));
}

TEST_F(FaultDiskTest, AfterAKillEverythingIsThereUntilThePowerGoes) {
  auto file = Create("/d/a");
  WriteBlock(*file, 0, 'x').value();
  const auto next = disk_.Kill(1, IndexAge::kNone);
  EXPECT_EQ(WriteBlock(*file, 0, 'y').error().code(), ErrorCode::kIo) << "the dead do not write";
  EXPECT_EQ(next->Contents("/d/a").text(), std::string(kBlock, 'x'));
  bool lost = false;
  for (uint64_t seed = 0; seed < 50; ++seed)
    lost |= next->Crash(seed, IndexAge::kNone)->Files().empty();
  EXPECT_TRUE(lost);
}

TEST_F(FaultDiskTest, WhatTheNextProcessSyncsAfterAKillIsSafe) {
  auto file = Create("/d/a");
  WriteBlock(*file, 0, 'x').value();
  const auto next = disk_.Kill(1, IndexAge::kNone);
  next->Open("/d/a", Disk::Mode::kReadWrite, true).value()->Sync().value();
  next->SyncDirectory("/d").value();
  for (uint64_t seed = 0; seed < 50; ++seed) {
    EXPECT_EQ(next->Crash(seed, IndexAge::kNone)->Contents("/d/a").text(),
              std::string(kBlock, 'x'));
  }
}

TEST_F(FaultDiskTest, TheSameSeedGivesTheSameDisk) {
  auto file = CreateDurably("/d/a");
  for (int i = 0; i < 8; ++i)
    WriteBlock(*file, kBlock * static_cast<uint64_t>(i), static_cast<char>('a' + i)).value();
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto one = disk_.Crash(seed, IndexAge::kNone);
    const auto two = disk_.Crash(seed, IndexAge::kNone);
    EXPECT_EQ(one->Contents("/d/a").text(), two->Contents("/d/a").text());
  }
}

TEST_F(FaultDiskTest, TheCallThePowerCutHitsFailsAndSoDoAllLater) {
  auto file = CreateDurably("/d/a");
  disk_.CutPowerAfter(2);
  EXPECT_TRUE(WriteBlock(*file, 0, 'x').ok());
  EXPECT_EQ(file->Sync().error().code(), ErrorCode::kIo);
  EXPECT_TRUE(disk_.power_lost());
  EXPECT_EQ(WriteBlock(*file, 0, 'y').error().code(), ErrorCode::kIo);
  EXPECT_EQ(disk_.Open("/d/a", Disk::Mode::kRead, false).error().code(), ErrorCode::kIo);
  EXPECT_EQ(disk_.List("/d").error().code(), ErrorCode::kIo);
  // The sync that was hit saved nothing for sure.
  EXPECT_GT(Outcomes("/d/a").size(), 2u);
}

TEST_F(FaultDiskTest, AFailedSyncDropsWhatItShouldHaveSavedAndTheNextOneLies) {
  auto file = CreateDurably("/d/a");
  WriteBlock(*file, 0, 'x').value();
  file->Sync().value();
  WriteBlock(*file, 0, 'y').value();
  disk_.FailNth(DiskCall::kSync, 1, ErrorCode::kIo);
  EXPECT_EQ(file->Sync().error().code(), ErrorCode::kIo);
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_THAT(Outcomes("/d/a"), ElementsAre(std::string(kBlock, 'x')));
}

TEST_F(FaultDiskTest, TheNthWriteFailsOnceWithTheCodeThatWasAskedFor) {
  auto file = CreateDurably("/d/a");
  disk_.FailNth(DiskCall::kWrite, 2, ErrorCode::kFull);
  EXPECT_TRUE(WriteBlock(*file, 0, 'x').ok());
  EXPECT_EQ(WriteBlock(*file, kBlock, 'x').error().code(), ErrorCode::kFull);
  EXPECT_TRUE(WriteBlock(*file, kBlock, 'x').ok());
}

TEST_F(FaultDiskTest, AFullDiskTakesNoMoreBlocksUntilSomeAreFreed) {
  auto a = CreateDurably("/d/a");
  auto b = CreateDurably("/d/b");
  a->Allocate(2 * kBlock).value();
  disk_.SetCapacity(3 * kBlock);
  EXPECT_TRUE(WriteBlock(*b, 0, 'x').ok());
  EXPECT_EQ(WriteBlock(*b, kBlock, 'x').error().code(), ErrorCode::kFull);
  EXPECT_EQ(b->Allocate(2 * kBlock).error().code(), ErrorCode::kFull);
  EXPECT_TRUE(WriteBlock(*a, 0, 'y').ok());
  EXPECT_EQ(disk_.GetSpace("/d").value().free_bytes, 0u);
  disk_.Unlink("/d/a").value();
  EXPECT_EQ(disk_.GetSpace("/d").value().free_bytes, 0u) << "an open file keeps its blocks";
  a.reset();
  EXPECT_TRUE(WriteBlock(*b, kBlock, 'x').ok());
}

TEST_F(FaultDiskTest, ASyncThatIsHeldDoesNotCoverWhatIsWrittenMeanwhile) {
  auto file = CreateDurably("/d/a");
  WriteBlock(*file, 0, 'x').value();
  disk_.HoldSyncs();
  std::thread syncing([&] { file->Sync().value(); });
  disk_.AwaitHeldSyncs(1);
  WriteBlock(*file, 0, 'y').value();
  disk_.ReleaseSyncs();
  syncing.join();
  const std::set<std::string> outcomes = Outcomes("/d/a");
  EXPECT_TRUE(outcomes.contains(std::string(kBlock, 'x')));
  EXPECT_TRUE(outcomes.contains(std::string(kBlock, 'y')));
  EXPECT_FALSE(outcomes.contains(std::string(kBlock, '\0')));
  EXPECT_FALSE(outcomes.contains(""));
}

TEST_F(FaultDiskTest, DirectFilesRefuseWhatIsNotAligned) {
  auto file = CreateDurably("/d/a");
  ASSERT_TRUE(file->direct());
  const Block block('x');
  const iovec short_piece{block.span().data(), 512};
  EXPECT_EQ(file->Write(0, {&short_piece, 1}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(WriteBlock(*file, 512, 'x').error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(file->Read(0, block.span().subspan(512)).error().code(), ErrorCode::kInvalidArgument);
  WriteBlock(*file, 0, 'x').value();
  auto buffered = disk_.Open("/d/a", Disk::Mode::kReadWrite, false).value();
  EXPECT_FALSE(buffered->direct());
  std::array<uint8_t, 3> three;
  EXPECT_EQ(buffered->Read(kBlock - 2, three).value(), 2u);
}

TEST_F(FaultDiskTest, AFolderIsLockedOnceWhileTheHandleLives) {
  auto lock = disk_.Lock("/d/lock").value();
  EXPECT_EQ(disk_.Lock("/d/lock").error().code(), ErrorCode::kConflict);
  EXPECT_TRUE(disk_.Crash(1, IndexAge::kNone)->Lock("/d/lock").ok())
      << "a dead process holds nothing";
  lock.reset();
}

TEST_F(FaultDiskTest, AnOpenFileCanBeSentThroughADescriptor) {
  auto file = CreateDurably("/d/a");
  WriteBlock(*file, 0, 'x').value();
  const auto handle = file->OpenForSend();
  std::array<char, 2> two{};
  ASSERT_EQ(pread(handle->fd(), two.data(), 2, 100), 2);
  EXPECT_EQ(two[0], 'x');
}

TEST_F(FaultDiskTest, TheIndexComesBackAtTheAgeThatIsAskedFor) {
  auto write = [&](FaultDisk& disk, const char* text) {
    std::ofstream(disk.IndexDirectory("/d").value() / "file") << text;
  };
  auto read = [&](FaultDisk& disk) {
    std::string text;
    std::ifstream(disk.IndexDirectory("/d").value() / "file") >> text;
    return text;
  };
  write(disk_, "old");
  disk_.SnapshotIndex();
  write(disk_, "new");
  EXPECT_EQ(read(*disk_.Crash(1, IndexAge::kNewest)), "new");
  EXPECT_EQ(read(*disk_.Crash(1, IndexAge::kNone)), "");
  EXPECT_EQ(read(*disk_.Crash(1, IndexAge::kDamaged)), "n");
  const auto older = disk_.Crash(1, IndexAge::kOlder);
  EXPECT_EQ(read(*older), "old");
  write(*older, "changed");
  EXPECT_EQ(read(*older->Crash(1, IndexAge::kOlder)), "old")
      << "snapshots survive the crash, and nobody writes to them";
}

TEST_F(FaultDiskTest, DamageOfTheMediumIsDurable) {
  auto file = CreateDurably("/d/a");
  WriteBlock(*file, 0, 'x').value();
  file->Sync().value();
  disk_.Flip("/d/a", 7, 1);
  const auto outcomes = Outcomes("/d/a");
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ((*outcomes.begin())[7], 'x' ^ 1);
}

}  // namespace
}  // namespace penstock::testing
