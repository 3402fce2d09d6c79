// Tags of a fragment, as producers send them behind its cluster. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::fragmenter {

inline constexpr size_t kTagNameBytesMax = 128;
inline constexpr size_t kTagValueBytesMax = 256;

// Beginning of names that mean something to the service, and one of them.
inline constexpr std::string_view kServiceTags = "AWS_KINESISVIDEO_";
inline constexpr std::string_view kNotificationTag = "AWS_KINESISVIDEO_NOTIFICATION";

struct FragmentTags {
  bool ends_fragment = false;      // AWS_KINESISVIDEO_END_OF_FRAGMENT is among them
  bool asks_notification = false;  // AWS_KINESISVIDEO_NOTIFICATION is
  size_t count = 0;                // tags of the producer's own
  // A Tags element of what is kept: all of it but the end of fragment and names that we write
  // ourselves, so that nobody can be told a wrong number. Empty if that is nothing.
  Bytes kept;
};

// `content` is that of a Tags element. kProtocol: not tags; kTooLarge: a name or value beyond the
// bounds above.
Result<FragmentTags> ReadFragmentTags(ByteSpan content);

}  // namespace penstock::fragmenter
