#include "store/item.h"

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

}  // namespace penstock::store
