// One player of a live HLS playlist: loads it again every target duration, gets each segment that
// is new, and throws it away. One connection, as a browser keeps one.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "bench/mediasim/connection.h"
#include "bench/mediasim/figures.h"
#include "bench/mediasim/loop.h"

namespace mediasim {

class Player final : public Actor {
 public:
  // Both outlive it.
  Player(Loop& loop, Figures& figures) : loop_(loop), figures_(figures) {}

  // `url`: http://127.0.0.1:port/... of the master playlist.
  penstock::Status Start(const std::string& url, Time first);
  penstock::Status Ready(uint32_t events) override;
  penstock::Status Due(Time now) override;

 private:
  enum class Awaits { kNothing, kMaster, kMedia, kSegment };

  penstock::Status Get(const std::string& path, Awaits what);
  // An answer is whole; `body` is empty for segments.
  penstock::Status Take(std::string_view body);
  void TakeMedia(std::string_view list);
  penstock::Status GetNext();

  Loop& loop_;
  Figures& figures_;
  Connection connection_;
  std::string host_;
  std::string folder_;  // of the session, with the slash
  std::string master_;
  std::string media_;  // empty until the master playlist has named it
  Awaits awaits_ = Awaits::kNothing;
  Time asked_;
  std::chrono::seconds target_{1};
  std::optional<uint64_t> next_;  // the media sequence number of what is not loaded yet
  std::deque<std::string> segments_;
  bool reload_due_ = false;

  std::string head_;               // until it is whole
  std::optional<size_t> missing_;  // of the body that comes
  std::string body_;
};

}  // namespace mediasim
