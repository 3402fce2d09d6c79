// One consumer: GetMedia, read as it comes and thrown away. Of each frame it notes how old it is
// when its last byte is there.
#pragma once

#include <string>

#include "bench/mediasim/connection.h"
#include "bench/mediasim/figures.h"
#include "bench/mediasim/loop.h"

namespace mediasim {

class Consumer final : public Actor {
 public:
  // Both outlive it. `ages`: whether frames are looked for; what is stored has no age.
  Consumer(Loop& loop, Figures& figures, bool ages) : loop_(loop), figures_(figures), ages_(ages) {}

  // `from`: a StartSelectorType.
  penstock::Status Start(uint16_t port, const std::string& stream, const std::string& from);
  penstock::Status Ready(uint32_t events) override;
  penstock::Status Due(Time) override { return {}; }

 private:
  Loop& loop_;
  Figures& figures_;
  const bool ages_;
  Connection connection_;
  bool answered_ = false;
  std::string rest_;  // that may be the beginning of a stamp
};

}  // namespace mediasim
