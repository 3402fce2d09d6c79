// The body of a PutMedia request, taken apart as it streams in.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "base/chunk_pool.h"
#include "fragmenter/ebml/reader.h"
#include "fragmenter/upload/fault.h"
#include "fragmenter/upload/header.h"

namespace penstock::fragmenter {

// Times that an upload may name, nanoseconds: until 2115, so that the sum of two is one, too.
inline constexpr int64_t kUploadTimeNsMax = 4'600'000'000'000'000'000;

// What an upload may bring; at most what base/limits.h bounds.
struct UploadLimits {
  uint64_t fragment_bytes = limits::kFragmentBytesMax;
  std::chrono::milliseconds fragment_time{20'000};
  size_t tracks = 3;
  size_t tags = 10;         // of one fragment
  bool every_track = true;  // has to have a frame in each fragment
};

// A frame as its block says.
struct UploadBlock {
  uint32_t track = 0;
  bool key = false;
  int64_t time = 0;      // in the header's scale, absolute as the cluster's timecode is
  int64_t duration = 0;  // the same; 0: not said
  uint32_t offset = 0;   // of its bytes in the fragment's body
  uint32_t size = 0;
};

// A cluster begins, and its time is known.
struct UploadBegins {
  std::shared_ptr<const UploadHeader> header;
  uint64_t timecode = 0;  // as it was written
};

// It is complete: another begins, or the producer says so.
struct UploadFragment {
  // As announced, with what this fragment or an earlier one says of the pictures.
  std::shared_ptr<const UploadHeader> header;
  uint64_t timecode = 0;
  // The Cluster byte for byte, then the Tags that follow it, but for those that are not kept
  // (tags.h). Direct-I/O ready.
  ByteChain body;
  std::vector<UploadBlock> blocks;
  bool asks_notification = false;  // by one of its tags
};

using UploadEvent = std::variant<UploadBegins, UploadFragment>;

// One cluster is one fragment. It ends with the next cluster or EBML header, the end of a Segment
// whose size was known, AWS_KINESISVIDEO_END_OF_FRAGMENT, or the end of the body. Further documents
// may follow in one body, with other tracks. The result does not depend on how the bytes were cut.
// Holds the fragment under way, a header and one value, all bounded. After an error it stays in
// error. One thread.
class UploadParser {
 public:
  explicit UploadParser(UploadLimits limits);

  // Takes all of `input`; appends what happened.
  std::optional<UploadError> Feed(ByteSpan input, std::vector<UploadEvent>& out);
  // The body ended here in order. kInvalid if that was within an element.
  std::optional<UploadError> Finish(std::vector<UploadEvent>& out);

  // The last byte was the last of an element: Finish would not fail if no more came.
  bool between_elements() const { return !error_ && reader_.between_elements(); }
  // Bytes of the fragment under way.
  size_t open_bytes() const { return body_.size(); }
  // The cluster under way, whose time is known; errors are about it.
  std::optional<uint64_t> open_timecode() const { return timecode_; }

 private:
  enum class Place { kNothing, kHeader, kCluster, kBetween };

  std::optional<UploadError> Take(const ebml::Event& event, std::vector<UploadEvent>& out);
  std::optional<UploadError> Open(const ebml::Event& event, std::vector<UploadEvent>& out);
  std::optional<UploadError> Close(const ebml::Event& event, std::vector<UploadEvent>& out);
  std::optional<UploadError> TakeValue(const ebml::Event& event, std::vector<UploadEvent>& out);
  std::optional<UploadError> TakeTags(ByteSpan content, std::vector<UploadEvent>& out);
  std::optional<UploadError> TakeFrame(const ebml::Event& event);
  std::optional<UploadError> BeginCluster(uint64_t offset);
  std::optional<UploadError> EndFragment(std::vector<UploadEvent>& out);
  std::optional<UploadError> AssignUntil(uint64_t offset);
  std::optional<UploadError> AddBody(ByteSpan bytes);
  std::optional<UploadError> Fail(UploadFault fault, std::string message);

  const UploadLimits limits_;
  ebml::Reader reader_;
  std::optional<UploadError> error_;

  // Where bytes go: those of [assigned_, ...) are not decided yet, first held_, then input_.
  Place place_ = Place::kNothing;
  std::vector<uint8_t> held_;
  ByteSpan input_;
  uint64_t assigned_ = 0;

  std::vector<uint8_t> raw_header_;
  UploadHeaderReader header_reader_;
  bool segment_ = false;  // has begun since the EBML header
  std::shared_ptr<const UploadHeader> header_;

  // The fragment under way.
  uint64_t cluster_offset_ = 0;  // in the stream
  std::optional<uint64_t> timecode_;
  bool open_ = false;
  ChunkWriter body_;
  std::vector<UploadBlock> blocks_;
  std::optional<size_t> group_;  // the block of the BlockGroup under way, if it has come
  bool in_group_ = false;
  bool group_refers_ = false;
  uint64_t group_duration_ = 0;
  size_t tags_ = 0;
  bool asks_notification_ = false;
};

}  // namespace penstock::fragmenter
