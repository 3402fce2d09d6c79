// A program of somebody else's that a test talks to.
#pragma once

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/testing/temp_dir.h"

extern char** environ;

namespace penstock::ingest::rtsp {

// Runs while this lives; killed at the end if it has not ended by itself.
class ChildProcess {
 public:
  explicit ChildProcess(std::vector<std::string> command) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output_path().c_str(),
                                     O_CREAT | O_WRONLY | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    std::vector<char*> argv;
    for (std::string& word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    CHECK(posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~ChildProcess() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    Wait();
  }
  ChildProcess(const ChildProcess&) = delete;

  void Signal(int signal) { kill(pid_, signal); }
  // Waits for its end, and ends it after 20 s. The exit code, or minus the signal that ended it.
  int Wait() {
    const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    pollfd ended{descriptor, POLLIN, 0};
    if (descriptor < 0 || poll(&ended, 1, 20'000) == 0) kill(pid_, SIGKILL);
    if (descriptor >= 0) close(descriptor);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0) CHECK(errno == EINTR);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  // What it has printed so far.
  std::string Output() const {
    std::ifstream in(output_path());
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }

 private:
  std::string output_path() const { return (folder_.path() / "output").string(); }

  testing::TempDir folder_;
  pid_t pid_ = 0;
};

}  // namespace penstock::ingest::rtsp
