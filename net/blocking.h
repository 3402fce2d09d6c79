// Threads for what would block a loop. Internal to net.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/file_slice.h"
#include "base/task.h"
#include "net/sockaddr.h"

namespace penstock::net {

// Looks a name up (numeric addresses at once) on threads shared by the whole program, not on one
// per loop. Never empty when ok. kNotFound, kTimeout, kCancelled. A lookup that was given up goes
// on in its thread; those still queued are skipped.
Task<Result<std::vector<SocketAddress>>> Resolve(std::string host, uint16_t port,
                                                 SteadyTime deadline, CancelToken token);

// Completes when the range, of at most kSendFileStepMax bytes, was in the page cache a moment ago.
// Does not wait when it is there now.
Task<void> FaultIn(FileSlice range);

}  // namespace penstock::net
