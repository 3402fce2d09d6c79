// The bounds of uploads (PutMedia). Beside limits.h, as few need them.
#pragma once

#include <chrono>
#include <cstddef>

namespace penstock::limits {

// One value that is held whole: the codec private data of the producers' libraries has up to 1 MiB.
// What comes before the first cluster: three tracks of that; it is stored as an item's meta is
// (kItemMetaBytesMax). Beyond, and beyond so many frames of one fragment, the upload ends with an
// error.
inline constexpr size_t kUploadValueBytesMax = (1u << 20) + 4096;
inline constexpr size_t kUploadHeaderBytesMax = 3'500'000;
inline constexpr size_t kUploadFramesMax = 100'000;

// Bytes of all uploads in memory: of fragments under way, and of those that wait for the log. A
// connection reads nothing while there is no room, for this long at most; then it ends with an
// error, so that fragments that have begun cannot wait for each other for ever.
inline constexpr size_t kUploadBytesMax = 512u << 20;
inline constexpr std::chrono::seconds kUploadRoomTime{10};

// A fragment's number is taken when it begins, and readers see nothing behind it until it ends: a
// connection that needs longer ends with an error.
inline constexpr std::chrono::seconds kUploadFragmentTime{300};

// Acks that wait for a producer that does not read them; beyond, nothing more is read from it.
inline constexpr size_t kUploadAcksWaitingMax = 64;

}  // namespace penstock::limits
