// One producer: a PutMedia upload of made-up H.264 of constant bit rate, a fragment per group of
// pictures, each ended by its tag. Acks are awaited.
#pragma once

#include <deque>
#include <string>

#include "bench/mediasim/connection.h"
#include "bench/mediasim/figures.h"
#include "bench/mediasim/loop.h"

namespace mediasim {

struct ProducerOptions {
  uint16_t port = 0;
  uint32_t kilobits_per_second = 2000;
  uint32_t frames_per_second = 25;
  uint32_t frames_per_fragment = 50;
  // Not 0: so many fragments, as fast as they are taken, and then it is over.
  uint32_t fragments = 0;
  int64_t first_ms = 0;  // since 1970: the time of the first frame
};

class Producer final : public Actor {
 public:
  // All outlive it.
  Producer(Loop& loop, Figures& figures, const ProducerOptions& options)
      : loop_(loop), figures_(figures), options_(options) {}

  penstock::Status Start(const std::string& stream, Time first);
  penstock::Status Ready(uint32_t events) override;
  penstock::Status Due(Time now) override;

 private:
  struct Waiting {
    int64_t timecode;
    Time sent;  // its last byte
  };

  penstock::Status SendFrame(Time now);
  // While they are taken.
  penstock::Status SendFast();
  penstock::Status TakeAcks(std::string_view bytes);
  penstock::Status TakeAck(std::string_view ack);
  size_t FrameBytes(bool key) const;

  Loop& loop_;
  Figures& figures_;
  const ProducerOptions& options_;
  Connection connection_;
  Time first_;
  uint64_t frame_ = 0;
  std::deque<Waiting> waiting_;
  uint64_t persisted_ = 0;
  std::string answer_;
};

}  // namespace mediasim
