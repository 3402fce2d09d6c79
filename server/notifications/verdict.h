// What an exchange with a webhook came to. Pure.
#pragma once

#include <string>
#include <string_view>

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

}  // namespace penstock::server::notifications
