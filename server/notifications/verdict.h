// What an exchange with a webhook came to, and when the next one is. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

#include "base/outgoing_limits.h"
#include "base/random.h"
#include "server/outgoing/outgoing.h"

namespace penstock::server::notifications {

struct Verdict {
  enum class Kind {
    kDelivered,
    kAgain,    // it may pass later
    kRefused,  // the hook's last word: it will say the same again
  };
  Kind kind = Kind::kAgain;
  std::string_view reason;  // for counting: "status", "timeout"
  std::string text;         // for people; nothing secret
};

// 2xx is delivered. Redirects, and what is wrong with the request (4xx but for 408, 425 and 429),
// are refusals; all else may pass later.
Verdict Judge(const Result<OutgoingAnswer>& answer);

// Pauses between tries: each up to twice the one before.
class Pauses {
 public:
  Pauses(std::chrono::milliseconds first, std::chrono::milliseconds last, uint64_t seed)
      : next_(first), last_(last), random_(seed) {}

  std::chrono::milliseconds Next() {
    const auto half = static_cast<uint64_t>(next_.count() / 2);
    const std::chrono::milliseconds pause =
        next_ - std::chrono::milliseconds(random_.Below(half + 1));
    next_ = std::min(next_ * 2, last_);
    return pause;
  }

 private:
  std::chrono::milliseconds next_;
  const std::chrono::milliseconds last_;
  Prng random_;
};

}  // namespace penstock::server::notifications
