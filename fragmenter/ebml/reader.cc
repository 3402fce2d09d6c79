#include "fragmenter/ebml/reader.h"

#include <algorithm>
#include <bit>

#include "fragmenter/ebml/ids.h"

namespace penstock::fragmenter::ebml {
namespace {

// Segment / Tracks / TrackEntry / Video is the deepest of ours; a document that nests deeper is not
// Matroska.
constexpr size_t kDepthMax = 8;
constexpr uint64_t kUnknownBits = ~uint64_t{0};

bool IsMaster(uint32_t id) {
  switch (id) {
    case kEbml:
    case kSegment:
    case kInfo:
    case kTracks:
    case kTrackEntry:
    case kVideo:
    case kAudio:
    case kCluster:
    case kBlockGroup:
      return true;
    default:
      return false;
  }
}

bool IsValue(uint32_t id) {
  switch (id) {
    case kEbmlVersion:
    case kEbmlReadVersion:
    case kEbmlMaxIdLength:
    case kEbmlMaxSizeLength:
    case kDocType:
    case kDocTypeVersion:
    case kDocTypeReadVersion:
    case kTimestampScale:
    case kMuxingApp:
    case kWritingApp:
    case kTrackNumber:
    case kTrackUid:
    case kTrackType:
    case kFlagLacing:
    case kDefaultDuration:
    case kLanguage:
    case kCodecId:
    case kCodecPrivate:
    case kPixelWidth:
    case kPixelHeight:
    case kSamplingFrequency:
    case kOutputSamplingFrequency:
    case kChannels:
    case kTimestamp:
    case kContentEncodings:
    case kBlockDuration:
    case kReferenceBlock:
    case kTags:
      return true;
    default:
      return false;
  }
}

bool IsTopLevel(uint32_t id) { return id == kEbml || id == kSegment; }

// The children of Segment, as far as they end a Cluster of unknown size.
bool IsSegmentChild(uint32_t id) {
  return id == kCluster || id == kInfo || id == kTracks || id == kSeekHead || id == kCues ||
         id == kTags || id == kChapters || id == kAttachments;
}

// Whether an element of unknown size ends before an element of this id.
bool EndsAt(uint32_t open, uint32_t next) {
  return IsTopLevel(next) || (open == kCluster && IsSegmentChild(next));
}

// Bytes of a variable-size integer by its first one; 9 if it has no marker.
size_t VintBytes(uint8_t first) { return static_cast<size_t>(std::countl_zero(first)) + 1; }

uint64_t BigEndian(ByteSpan bytes) {
  uint64_t value = 0;
  for (const uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

// Without its marker; all ones (unknown) as kUnknownBits. Requires bytes.size() ==
// VintBytes(bytes[0]) <= 8.
uint64_t Vint(ByteSpan bytes) {
  const uint64_t mask = (uint64_t{1} << (7 * bytes.size())) - 1;
  const uint64_t value = BigEndian(bytes) & mask;
  return value == mask ? kUnknownBits : value;
}

}  // namespace

uint64_t Event::Uint() const { return BigEndian(value.size() > 8 ? value.last(8) : value); }

double Event::Float() const {
  if (value.size() == 4) return std::bit_cast<float>(static_cast<uint32_t>(BigEndian(value)));
  return value.size() == 8 ? std::bit_cast<double>(BigEndian(value)) : 0;
}

Error Reader::Fail(ErrorCode code, const char* what) {
  error_ = Error(code, std::string("EBML at offset ") + std::to_string(position_) + ": " + what);
  return *error_;
}

// Moves what is missing from the input; false if it has less.
bool Reader::Gather(size_t bytes, ByteSpan& input) {
  if (held_.size() < bytes) {
    const size_t more = std::min(bytes - held_.size(), input.size());
    held_.insert(held_.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(more));
    input = input.subspan(more);
  }
  return held_.size() >= bytes;
}

void Reader::Consume(size_t bytes) {
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(bytes));
  position_ += bytes;
}

Result<std::optional<Event>> Reader::Next(ByteSpan& input) {
  if (error_) return *error_;
  Consume(std::exchange(taken_, 0));
  for (;;) {
    if (skip_ > 0) {
      const auto now = static_cast<size_t>(std::min<uint64_t>(skip_, input.size()));
      input = input.subspan(now);
      skip_ -= now;
      position_ += now;
      if (skip_ > 0) return std::optional<Event>();
    }
    if (!open_.empty() && open_.back().end == position_) return std::optional<Event>(Close());
    const size_t before = held_.size() + input.size();
    const uint64_t at = position_;
    PS_TRY(std::optional<Event> event, Step(input));
    if (event) return event;
    // Neither an event nor progress: what there is has been taken.
    if (position_ == at && skip_ == 0 && held_.size() + input.size() == before)
      return std::optional<Event>();
  }
}

Event Reader::Close() {
  Event event;
  event.kind = Event::Kind::kClose;
  event.id = open_.back().id;
  event.offset = position_;
  open_.pop_back();
  return event;
}

// Nothing while it is not complete.
Result<std::optional<Reader::Head>> Reader::ReadHead(ByteSpan& input) {
  if (!Gather(1, input)) return std::optional<Head>();
  const size_t id_bytes = VintBytes(held_[0]);
  if (id_bytes > 4) return Fail(ErrorCode::kProtocol, "not an element id");
  if (!Gather(id_bytes + 1, input)) return std::optional<Head>();
  const size_t size_bytes = VintBytes(held_[id_bytes]);
  if (size_bytes > 8) return Fail(ErrorCode::kProtocol, "not an element size");
  if (!Gather(id_bytes + size_bytes, input)) return std::optional<Head>();

  const ByteSpan bytes(held_);
  Head head;
  head.id = static_cast<uint32_t>(BigEndian(bytes.first(id_bytes)));
  head.bytes = id_bytes + size_bytes;
  const uint64_t size = Vint(bytes.subspan(id_bytes, size_bytes));
  if (size != kUnknownBits) head.size = size;
  return std::optional<Head>(head);
}

Status Reader::CheckFits(const Head& head) {
  if (!head.size) {
    if (head.id == kSegment || head.id == kCluster) return {};
    return Fail(ErrorCode::kProtocol, "unknown size where none may be");
  }
  const uint64_t end = position_ + head.bytes + *head.size;
  for (const Open& open : open_) {
    if (open.end && end > *open.end)
      return Fail(ErrorCode::kProtocol, "element reaches past its parent");
  }
  return {};
}

Result<std::optional<Event>> Reader::Step(ByteSpan& input) {
  PS_TRY(const std::optional<Head> head, ReadHead(input));
  if (!head) return std::optional<Event>();
  if (!open_.empty() && !open_.back().end && EndsAt(open_.back().id, head->id))
    return std::optional<Event>(Close());
  // Ids without meaning at the start mean another kind of file.
  if (open_.empty() && !IsTopLevel(head->id) && head->id != kCluster && head->id != kVoid) {
    return Fail(ErrorCode::kProtocol, "not a Matroska document");
  }
  PS_TRY_VOID(CheckFits(*head));
  if (IsMaster(head->id)) return OpenMaster(*head);
  if (head->id == kSimpleBlock || head->id == kBlock) return ReadFrame(*head, input);
  if (IsValue(head->id)) return ReadValue(*head, input);
  Consume(head->bytes);
  skip_ = *head->size;
  // What was gathered never goes beyond the head.
  CHECK(held_.empty());
  return std::optional<Event>();
}

Result<std::optional<Event>> Reader::OpenMaster(const Head& head) {
  if (open_.size() == kDepthMax) return Fail(ErrorCode::kProtocol, "elements nest too deep");
  Event event;
  event.kind = Event::Kind::kOpen;
  event.id = head.id;
  event.offset = position_;
  event.size = head.size;
  Consume(head.bytes);
  Open open;
  open.id = head.id;
  if (head.size) open.end = position_ + *head.size;
  open_.push_back(open);
  return std::optional<Event>(event);
}

Result<std::optional<Event>> Reader::ReadValue(const Head& head, ByteSpan& input) {
  if (*head.size > bounds_.value_bytes_max) return Fail(ErrorCode::kTooLarge, "value too large");
  const auto size = static_cast<size_t>(*head.size);
  if (!Gather(head.bytes + size, input)) return std::optional<Event>();
  Event event;
  event.kind = Event::Kind::kValue;
  event.id = head.id;
  event.offset = position_;
  event.value = ByteSpan(held_).subspan(head.bytes, size);
  taken_ = head.bytes + size;
  return std::optional<Event>(event);
}

Result<std::optional<Event>> Reader::ReadFrame(const Head& head, ByteSpan& input) {
  if (*head.size > bounds_.frame_bytes_max) return Fail(ErrorCode::kTooLarge, "frame too large");
  if (*head.size < 4) return Fail(ErrorCode::kProtocol, "block without a header");
  if (!Gather(head.bytes + 1, input)) return std::optional<Event>();
  const size_t track_bytes = VintBytes(held_[head.bytes]);
  const size_t block_head = track_bytes + 3;
  if (track_bytes > 8 || block_head > *head.size)
    return Fail(ErrorCode::kProtocol, "block without a track");
  if (!Gather(head.bytes + block_head, input)) return std::optional<Event>();

  const ByteSpan block = ByteSpan(held_).subspan(head.bytes, block_head);
  const uint8_t flags = block[track_bytes + 2];
  if ((flags & 0x06) != 0) return Fail(ErrorCode::kUnsupported, "lacing");
  Event event;
  event.kind = Event::Kind::kFrame;
  event.id = head.id;
  event.offset = position_;
  event.track = Vint(block.first(track_bytes));
  event.relative_time = static_cast<int16_t>(block[track_bytes] << 8 | block[track_bytes + 1]);
  event.key = head.id == kSimpleBlock && (flags & 0x80) != 0;
  event.data_offset = position_ + head.bytes + block_head;
  event.data_size = *head.size - block_head;
  Consume(head.bytes + block_head);
  skip_ = event.data_size;
  return std::optional<Event>(event);
}

Status Reader::Finish() const {
  if (error_) return *error_;
  if (skip_ > 0 || held_.size() > taken_)
    return Error(ErrorCode::kProtocol, "EBML: the stream ends within an element");
  for (const Open& open : open_) {
    if (open.end && *open.end != position_ + taken_)
      return Error(ErrorCode::kProtocol, "EBML: the stream ends within an element");
  }
  return {};
}

}  // namespace penstock::fragmenter::ebml
