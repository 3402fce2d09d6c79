#include "store/item.h"

#include "store/log/format.h"

namespace penstock::store {

std::string_view GapReasonName(GapReason reason) {
  switch (reason) {
    case GapReason::kNone:
      return "none";
    case GapReason::kCameraLost:
      return "camera-lost";
    case GapReason::kPacketLoss:
      return "packet-loss";
    case GapReason::kOverload:
      return "overload";
    case GapReason::kDiskFull:
      return "disk-full";
    case GapReason::kRestart:
      return "restart";
    case GapReason::kSourceRemoved:
      return "source-removed";
  }
  return "unknown";
}

uint64_t OrdinalOf(const FragmentNumber& number) { return OrdinalOfIndex(number.index); }

}  // namespace penstock::store
