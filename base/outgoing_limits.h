// The bounds of requests that we send to others: webhooks, buckets. Beside limits.h, as few need
// them.
#pragma once

#include <chrono>
#include <cstddef>

namespace penstock::limits {

// To look a name up and to connect; the rest of an exchange has its time besides. Whoever needs
// longer counts as not there.
inline constexpr std::chrono::seconds kOutgoingConnectTime{5};
// What of an answer's body is kept, for people; the rest is read and thrown away.
inline constexpr size_t kOutgoingAnswerBytesMax = 1024;

// One exchange of a webhook, from the name's lookup to the end of the answer. A hook that is slower
// is tried again.
inline constexpr std::chrono::seconds kWebhookTime{10};
// A webhook that failed is tried again after 1, 2, 4, ... 60 s, each shortened by up to a half at
// random, so that streams of one hook do not come back in step.
inline constexpr std::chrono::seconds kWebhookPauseFirst{1};
inline constexpr std::chrono::seconds kWebhookPauseLast{60};
// Exchanges with webhooks at a time, of all streams together; others wait for their turn. Further
// tries may take this many of them, so that hooks that are dead leave room for those that live.
inline constexpr size_t kWebhooksAtOnceMax = 256;
inline constexpr size_t kWebhookRetriesAtOnceMax = 128;
// Fragments that are read for their tags at a time: each may have 50 MB.
inline constexpr size_t kNotificationReadsMax = 4;
// Items that a stream's notifications look at in one step.
inline constexpr size_t kNotificationPage = 64;
// How often a stream's place in its notifications is made durable, at most: after a crash those of
// so long are sent again.
inline constexpr std::chrono::seconds kNotificationSaveTime{5};

// A bucket's answer to one object, however large that is.
inline constexpr std::chrono::seconds kPutObjectTime{60};

// An image of image generation that could not be delivered is tried again after 1, 2, 4, ... 60 s,
// as webhooks are, until so long after its first try: a bucket that restarts loses none that was
// asked for. Its stream waits, and leaves out what it is too far behind with.
inline constexpr std::chrono::minutes kImageGiveUp{5};
inline constexpr std::chrono::seconds kImagePauseFirst{1};
inline constexpr std::chrono::seconds kImagePauseLast{60};
// Streams that have a fragment's images in memory and under way at a time; others wait. Besides
// them those whose images are tried again; where there are more, they are given up.
inline constexpr size_t kImagesAtOnceMax = 64;
inline constexpr size_t kImageRetriesAtOnceMax = 64;

}  // namespace penstock::limits
