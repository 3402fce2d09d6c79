// All cameras on one thread: epoll for the conversations, a heap of due times for the frames.
#pragma once

#include <memory>
#include <queue>
#include <string>
#include <unordered_map>

#include "bench/camsim/session.h"

namespace camsim {

class Simulator {
 public:
  explicit Simulator(Studio studio);
  ~Simulator();
  Simulator(const Simulator&) = delete;

  // The port, for 0.
  penstock::Result<uint16_t> Listen(const std::string& address, uint16_t port);
  // Until SIGINT or SIGTERM.
  penstock::Status Run();
  const Counts& counts() const { return counts_; }

 private:
  struct Due {
    Time when;
    uint64_t session;
    bool operator>(const Due& other) const { return when > other.when; }
  };

  void Accept();
  void Serve(uint64_t id, uint32_t events);
  void SendDue();
  void Watch(int fd, uint64_t id, uint32_t events, int operation) const;
  void Schedule(uint64_t id, const Session& session);
  int TimeoutMs() const;

  Studio studio_;
  Counts counts_;
  int epoll_ = -1;
  int listener_ = -1;
  int signals_ = -1;
  uint64_t last_id_ = 16;  // the first few are the listener's and other fixed descriptors'
  std::unordered_map<uint64_t, std::unique_ptr<Session>> sessions_;
  // One entry for each session that plays; entries of ended ones are skipped.
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

}  // namespace camsim
