// One camera with one client: the conversation, and the frames that are due.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <netinet/in.h>

#include "base/random.h"
#include "bench/camsim/clip.h"
#include "bench/camsim/faults.h"
#include "bench/camsim/request.h"

namespace camsim {

using SteadyClock = std::chrono::steady_clock;
using Time = SteadyClock::time_point;

// What all sessions share.
struct Studio {
  Clip clip;
  Faults faults;
  std::string user;  // empty: no password asked
  std::string password;
  uint32_t cameras = 1;
  bool udp_only = false;
  bool tcp_only = false;
  int rtp_socket = -1;  // UDP, for all sessions
  int rtcp_socket = -1;
  uint16_t rtp_port = 0;
  uint16_t rtcp_port = 0;
};

struct Counts {
  uint64_t sessions = 0;
  uint64_t frames = 0;
  uint64_t frames_lost = 0;  // the client did not read
};

// Owns its socket. One thread.
class Session {
 public:
  Session(const Studio& studio, Counts& counts, int fd, sockaddr_in peer);
  ~Session();
  Session(const Session&) = delete;

  // False: it is over.
  [[nodiscard]] bool Read();
  [[nodiscard]] bool Flush();
  [[nodiscard]] bool SendDue(Time now);

  bool playing() const { return playing_; }
  // When SendDue has something to do. Requires playing().
  Time due() const;
  bool wants_to_write() const { return !backlog_.empty(); }
  int fd() const { return fd_; }

 private:
  struct Track {
    const ClipTrack* clip;
    bool set_up = false;
    bool tcp = false;
    uint8_t channel = 0;  // TCP: RTP's; RTCP has the next
    sockaddr_in rtp{};    // UDP
    sockaddr_in rtcp{};
    uint16_t sequence = 0;
    uint32_t first_timestamp = 0;
    uint32_t ssrc = 0;
    uint64_t next_frame = 0;  // counted from the first PLAY on, over all rounds of the clip
    uint32_t packets = 0;     // sent
    uint32_t bytes = 0;
    Time next_report{};
  };

  bool Answer(const Request& request);
  bool Reply(const Request& request, std::string_view status, std::string_view headers = "",
             std::string_view body = "");
  bool Authorized(const Request& request) const;
  bool Describe(const Request& request);
  bool SetUp(const Request& request);
  bool Play(const Request& request);
  Track* FindTrack(std::string_view path);
  bool IsOurs(std::string_view path) const;

  Time DueTime(const Track& track) const;
  // The RTP time stamp for this media time, in ticks since the first PLAY.
  uint32_t Stamp(const Track& track, uint64_t ticks) const;
  bool SendFrame(Track& track);
  bool SendReport(Track& track, Time now);
  bool IsSilent(const Track& track, const ClipTrack::Frame& frame, Time now) const;
  // Sends parts of memory that may change afterwards; what does not fit is copied and sent later.
  bool Write(std::vector<iovec>& parts);

  const Studio& studio_;
  Counts& counts_;
  const int fd_;
  const sockaddr_in peer_;
  const uint64_t id_;
  const std::string nonce_;
  penstock::Prng random_;
  std::vector<Track> tracks_;
  std::string input_;
  std::string backlog_;
  bool playing_ = false;
  bool ending_ = false;
  Time started_{};
  int64_t started_wall_us_ = 0;  // the same moment, since 1970
  uint32_t video_packets_ = 0;   // for the faults
};

}  // namespace camsim
