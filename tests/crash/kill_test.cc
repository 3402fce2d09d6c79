// kill -9 of a real process on a real disk, again and again: whatever it printed as acknowledged is
// there for the next one.
#include <csignal>
#include <map>
#include <sstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "store/disk/disk.h"
#include "tests/crash/kill_options.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing_store/test_item.h"

extern char** environ;

namespace penstock::testing {
namespace {

constexpr int kRounds = 20;

struct Ack {
  uint64_t ordinal;
  uint64_t item;
};

// The writer and the end of its pipe.
class Victim {
 public:
  Victim(const std::filesystem::path& folder, uint64_t first_item) {
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    out_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string program = PENSTOCK_CRASH_WRITER;
    std::string where = folder.string();
    std::string item = std::to_string(first_item);
    char* arguments[] = {program.data(), where.data(), item.data(), nullptr};
    CHECK(posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
  }
  ~Victim() {
    close(out_);
    if (pid_ > 0) Kill();
  }
  Victim(const Victim&) = delete;

  // The next line, waiting for it; empty when the process and what it said have come to their end.
  std::string Line() {
    while (true) {
      if (const size_t end = text_.find('\n'); end != std::string::npos) {
        std::string line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return line;
      }
      char buffer[4096];
      const ssize_t got = read(out_, buffer, sizeof(buffer));
      if (got <= 0) return {};
      text_.append(buffer, static_cast<size_t>(got));
    }
  }
  // True if it was alive until now.
  bool Kill() {
    kill(pid_, SIGKILL);
    int status = 0;
    CHECK(waitpid(pid_, &status, 0) == pid_);
    pid_ = 0;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

 private:
  pid_t pid_ = 0;
  int out_ = -1;
  std::string text_;
};

class KillTest : public ::testing::Test {
 protected:
  // Notes a line; true if it was an acknowledgement.
  bool Note(const std::string& line) {
    std::istringstream in(line);
    std::string what;
    int stream = 0;
    uint64_t index = 0;
    in >> what >> stream >> index;
    if (what == "N") {
      EXPECT_GT(index, highest_[stream]) << "a number was made twice, or after a higher one";
      highest_[stream] = index;
      return false;
    }
    Ack ack{};
    in >> ack.ordinal >> ack.item;
    EXPECT_EQ(what, "A");
    EXPECT_FALSE(in.fail()) << line;
    acks_[stream][index] = ack;
    return true;
  }

  Task<void> Check(store::Store& store) {
    for (const auto& [stream, acks] : acks_) {
      const auto info = store.GetStream(KillStream(stream));
      EXPECT_TRUE(info.has_value()) << "stream " << stream;
      if (!info) continue;
      const auto shard = store.OpenShard(info->shard);
      for (const auto& [index, ack] : acks) co_await CheckOne(shard, index, ack);
    }
  }

  Task<void> CheckOne(std::shared_ptr<store::Shard> shard, uint64_t index, Ack ack) {
    const TestItem item{.seed = ack.item};
    const store::Selector from = store::FromOrdinal{ack.ordinal};
    const auto refs = co_await shard->Find(from, 1);
    EXPECT_TRUE(refs.ok() && refs->size() == 1);
    if (!refs.ok() || refs->empty()) co_return;
    const store::ItemRef ref = refs->front();
    EXPECT_EQ(ref.header.number.index, index);
    EXPECT_EQ(ref.header.ordinal, ack.ordinal);
    EXPECT_EQ(item.Compare(ref.header), "");
    const auto bytes = co_await shard->Open(ref, store::BodyForm::kMemory);
    EXPECT_TRUE(bytes.ok()) << bytes.error().ToString();
    if (!bytes.ok()) co_return;
    const Bytes body = ReadWhole(*bytes);
    EXPECT_EQ(item.Compare(bytes->meta, body), "");
  }

  TempDir folder_;
  std::map<int, uint64_t> highest_;
  std::map<int, std::map<uint64_t, Ack>> acks_;
};

TEST_F(KillTest, WhatAProcessAcknowledgedBeforeKillMinusNineIsThereForTheNextOne) {
  const uint64_t seed = RandomU64() >> 1;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Prng prng(seed);
  size_t acked = 0;
  for (uint64_t round = 0; round < kRounds && !HasFailure(); ++round) {
    Victim victim(folder_.path(), (round + 1) << 32);
    for (uint64_t left = 1 + prng.Below(300); left > 0;) {
      const std::string line = victim.Line();
      ASSERT_FALSE(line.empty()) << "the writer ended by itself";
      if (Note(line)) --left;
    }
    ASSERT_TRUE(victim.Kill());
    // What it had said before it died is promised, too.
    for (std::string line = victim.Line(); !line.empty(); line = victim.Line()) Note(line);

    auto store = store::Store::Open(KillOptions(folder_.path()), store::RealDisk(), SystemClock());
    ASSERT_TRUE(store.ok()) << store.error().ToString();
    SyncWait(Check(**store));
    SyncWait((*store)->Close());
  }
  for (const auto& [stream, acks] : acks_) acked += acks.size();
  EXPECT_GE(acked, static_cast<size_t>(kRounds));
  fmt::print("{} acknowledged items survived {} kills\n", acked, kRounds);
}

}  // namespace
}  // namespace penstock::testing
