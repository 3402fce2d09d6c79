// Every bound of the program in one place: the number, why it is that number, and what happens when
// it is reached.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace penstock::limits {

// 64 MiB of idle 64 KiB chunks; more is returned to the allocator. Enough for the commits in flight
// of 500 cameras.
inline constexpr size_t kPooledChunksMax = 1024;

// KVS: a fragment may have 50 MB. A larger one is cut (RTSP) or refused (PutMedia).
inline constexpr size_t kFragmentBytesMax = 50'000'000;
// What the longest duration of a fragment may be set to; anything else is refused. A block's time
// reaches 32.7 s from its cluster's: room is left for reordered pictures and for the audio that
// belongs before the cut. Below a tenth of a second each picture would be a fragment.
inline constexpr std::chrono::milliseconds kFragmentDurationLeast{100};
inline constexpr std::chrono::milliseconds kFragmentDurationMost{25'000};
// One access unit. A 4K key frame has 1-4 MB; more than this is garbage from a broken camera and is
// dropped, counted.
inline constexpr size_t kAccessUnitBytesMax = 16'000'000;

// Tracks of a stream, and the decoder configuration of one. MKV could number 126 in one byte; a
// camera has two or three, and a configuration some hundred bytes. A further track is refused, a
// larger configuration drops the track.
inline constexpr size_t kTracksMax = 16;
inline constexpr size_t kCodecPrivateBytesMax = 64 * 1024;

// Live window in RAM per stream; older fragments are read from disk. At least the newest fragment
// stays whatever its size.
inline constexpr size_t kWindowBytesPerStreamMax = 768 * 1024;
// Streams of which nothing is stored play from the window alone: theirs is as large as this many,
// 15 s of 8 Mbit/s. Players start three fragments behind the newest.
inline constexpr size_t kLiveOnlyWindows = 20;

// Fragments of one stream that may wait for the log. Beyond it whole fragments are dropped from
// storage with a gap (overload).
inline constexpr size_t kPendingFragmentsPerStreamMax = 4;
// Bytes over all streams that may wait for the log.
inline constexpr size_t kPendingBytesMax = 256u << 20;

// A commit batch; DESIGN: 8-16 MB keep the disk busy without making the first item wait.
inline constexpr size_t kBatchBytesMax = 8u << 20;
inline constexpr size_t kBatchItemsMax = 4096;
inline constexpr int kBatchesInFlightMax = 2;
// Then a segment is full, whatever its bytes: the one that was being written is read item by item
// after a crash, and a footer is held in memory. Fragments of cameras fill it with bytes long
// before.
inline constexpr uint64_t kSegmentItemsMax = 256 * 1024;

// Catalog values; the distributed log carries them inline.
inline constexpr size_t kCatalogValueBytesMax = 64 * 1024;
// Holds of one stream: each is a look at every item that retention passes. The next one is refused.
inline constexpr size_t kHoldsPerStreamMax = 100;
// What people write on a hold. A longer one is refused.
inline constexpr size_t kHoldNoteBytesMax = 1000;
// Opaque metadata of one item (the frame table): 50 MB of 20-byte frames would be absurd, 4 MB is
// 100,000 frames.
inline constexpr size_t kItemMetaBytesMax = 4u << 20;

// Requests: head refused with 431, body with 413.
inline constexpr size_t kHttpHeadBytesMax = 64 * 1024;
inline constexpr size_t kHttpFieldsMax = 128;
inline constexpr size_t kHttpChunkExtensionBytesMax = 1024;
inline constexpr size_t kHttpTrailerBytesMax = 8 * 1024;
inline constexpr size_t kHttpBodyBytesMax = 8u << 20;
inline constexpr size_t kHttpConnectionsMax = 20'000;
inline constexpr std::chrono::seconds kHttpIdle{75};
inline constexpr std::chrono::seconds kHttpHeadTime{20};
// A request's body may pause for this long (a camera that sends nothing between two scenes); then
// its reader gets kTimeout.
inline constexpr std::chrono::seconds kHttpStalledReadTime{75};
// After an answer that ends the connection while the client still sends: what it sends is read and
// thrown away, so that the kernel does not reset the connection under the answer.
inline constexpr std::chrono::seconds kHttpLingerTime{2};
inline constexpr size_t kHttpLingerBytesMax = 4u << 20;
// What is read of one connection at a time: little while it is idle, more while a body comes.
inline constexpr size_t kHttpHeadBlockBytes = 4 * 1024;
inline constexpr size_t kHttpBodyBlockBytes = 64 * 1024;
// Smaller answers are not worth compressing.
inline constexpr size_t kHttpCompressBytesMin = 512;
// Our client: what it collects, and how long a server may say nothing.
inline constexpr size_t kHttpFetchBytesMax = 64u << 20;
inline constexpr std::chrono::seconds kHttpFetchTime{30};
// A reader that takes no byte for this long is cut.
inline constexpr std::chrono::seconds kHttpStalledWriteTime{30};

// TCP: a peer that vanished (power cut, lost route) is noticed after this long, idle or with
// unacknowledged data.
inline constexpr std::chrono::seconds kTcpKeepAliveIdle{30};
inline constexpr std::chrono::seconds kTcpKeepAliveInterval{10};
inline constexpr int kTcpKeepAliveProbes = 3;
inline constexpr std::chrono::seconds kTcpUserTimeout{60};
// Accepting goes on after this long when the process has run out of descriptors.
inline constexpr std::chrono::milliseconds kAcceptPause{100};
// File descriptors that connections from outside never take (half of all, where there are fewer
// than twice as many): the index keeps 256 files open, the rest is for segments. TCP connections
// beyond are closed at once.
inline constexpr size_t kReservedDescriptors = 1024;
// What one connection may read or write in one turn before the others of its loop have theirs.
inline constexpr size_t kTurnBytesMax = 1u << 20;
// One sendfile call; also the step in which cold files are read in (DESIGN 6).
inline constexpr size_t kSendFileStepMax = 1u << 20;
// Name lookups and cold file reads block; they have threads of their own, whatever the number of
// connections.
inline constexpr size_t kResolverThreads = 4;
inline constexpr size_t kFileReadThreads = 4;
// Receive buffer of a UDP socket: 4 Mbit/s for 2 s, or one large key frame at line rate. The kernel
// may grant less (rmem_max).
inline constexpr int kUdpReceiveBufferBytes = 1 << 20;

// TLS: a handshake that is not done by then is given up, and so is one that has brought more than
// this; chains of certificates have a few KB.
inline constexpr std::chrono::seconds kTlsHandshakeTime{10};
inline constexpr size_t kTlsHandshakeBytesMax = 128 * 1024;

// RTSP messages (RFC 2326 names no limit); answered with 400/413 and closed.
inline constexpr size_t kRtspHeadBytesMax = 16 * 1024;
inline constexpr size_t kRtspBodyBytesMax = 64 * 1024;
inline constexpr size_t kSdpMediaMax = 16;
inline constexpr size_t kRtspConnectionsMax = 10'000;
// What may wait for a peer that does not read; beyond it the connection is closed. Reports are
// dropped long before.
inline constexpr size_t kRtspSendQueueBytesMax = 256 * 1024;
// A connection that has not come to RECORD by then is closed, and so is a publisher that sends
// nothing for that long.
inline constexpr std::chrono::seconds kRtspHandshakeTime{60};
inline constexpr std::chrono::seconds kRtspPublisherStall{10};
// Wrong keys on one connection; guessing faster needs new connections, which are counted.
inline constexpr int kRtspAuthFailuresMax = 5;

// What packets are received into. With the counter of who still reads it, a slab is one allocation
// of at most 64 KiB: larger ones, made and freed for each picture, fragment the heap.
inline constexpr size_t kReceiveSlabBytes = 64 * 1024 - 64;

// RTP packets held per track while an earlier one is missing (UDP); beyond it the missing ones are
// lost.
inline constexpr size_t kReorderPacketsMax = 256;
inline constexpr std::chrono::milliseconds kReorderWait{200};

// A pause up to this long where a run begins and nothing was wrong is the camera's jitter, not a
// hole.
inline constexpr std::chrono::milliseconds kPauseNoHole{3000};

// HLS lists (DESIGN: long lists kill browser tabs).
inline constexpr size_t kPlaylistEntriesMax = 3600;
inline constexpr std::chrono::hours kStoredRangeMax{6};

// Fragments that turned out to be unreadable, remembered as gaps of playlists: 2 MB. Further ones
// are answered as gaps when they are asked for, but stay in the lists.
inline constexpr size_t kDamagedFragmentsMax = 50'000;

// GetMedia: readers of one stream at a time (Amazon: 3). Each holds a connection and one fragment;
// the next is refused.
inline constexpr size_t kMediaReadersPerStreamMax = 64;

// Names follow KVS.
inline constexpr size_t kStreamNameBytesMax = 256;
inline constexpr uint32_t kRetentionHoursMax = 87'600;

}  // namespace penstock::limits
