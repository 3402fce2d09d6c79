// Fragments joined to spans without a hole: what is stored, as a person sees it. Pure.
#pragma once

#include <vector>

#include "base/json.h"
#include "store/item.h"

namespace penstock::server {

struct Span {
  ServerTime start;
  ServerTime end;
  uint64_t fragments = 0;
  uint64_t bytes = 0;
};

// A pause up to this long within a run is the camera's jitter, not a hole.
inline constexpr std::chrono::milliseconds kSpanJoin{3000};

// Takes items in order.
class SpanBuilder {
 public:
  void Add(const store::ItemHeader& item);
  // What comes does not follow what came: something in between is gone.
  void Break() { broken_ = true; }
  const std::vector<Span>& spans() const { return spans_; }

 private:
  std::vector<Span> spans_;
  bool broken_ = true;
};

}  // namespace penstock::server
