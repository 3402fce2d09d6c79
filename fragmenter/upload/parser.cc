#include "fragmenter/upload/parser.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "base/upload_limits.h"
#include "fragmenter/ebml/ids.h"
#include "fragmenter/upload/picture_form.h"
#include "fragmenter/upload/tags.h"

namespace penstock::fragmenter {
namespace {

using ebml::Event;

ebml::Bounds BoundsOf(const UploadLimits& limits) {
  return ebml::Bounds{.value_bytes_max = limits::kUploadValueBytesMax,
                      .frame_bytes_max = limits.fragment_bytes};
}

constexpr uint64_t kDurationMax = uint64_t{1} << 32;

}  // namespace

UploadParser::UploadParser(UploadLimits limits) : limits_(limits), reader_(BoundsOf(limits)) {}

std::optional<UploadError> UploadParser::Fail(UploadFault fault, std::string message) {
  if (!error_) error_ = UploadError{fault, std::move(message)};
  return error_;
}

std::optional<UploadError> UploadParser::Feed(ByteSpan input, std::vector<UploadEvent>& out) {
  if (error_) return error_;
  input_ = input;
  for (;;) {
    const Result<std::optional<Event>> next = reader_.Next(input);
    if (!next.ok()) {
      if (auto failed = AssignUntil(reader_.position())) return failed;
      const ErrorCode code = next.error().code();
      return Fail(
          code == ErrorCode::kTooLarge ? UploadFault::kFragmentBytes : UploadFault::kInvalid,
          next.error().message());
    }
    if (!*next) break;
    // First, so that what is wrong first is told first, however the bytes were cut.
    if (auto failed = AssignUntil((*next)->offset)) return failed;
    if (auto failed = Take(**next, out)) return failed;
  }
  if (auto failed = AssignUntil(reader_.position())) return failed;
  held_.insert(held_.end(), input_.begin(), input_.end());
  input_ = ByteSpan();
  return std::nullopt;
}

std::optional<UploadError> UploadParser::Finish(std::vector<UploadEvent>& out) {
  if (error_) return error_;
  if (!reader_.between_elements())
    return Fail(UploadFault::kInvalid, "the body ends within an element");
  return EndFragment(out);
}

// Everything before this offset of the stream belongs to the place we are in.
std::optional<UploadError> UploadParser::AssignUntil(uint64_t offset) {
  CHECK(offset >= assigned_);
  uint64_t left = offset - assigned_;
  assigned_ = offset;
  while (left > 0) {
    const bool from_held = !held_.empty();
    const ByteSpan source = from_held ? ByteSpan(held_) : input_;
    const auto now = static_cast<size_t>(std::min<uint64_t>(left, source.size()));
    CHECK(now > 0);
    const ByteSpan bytes = source.first(now);
    if (place_ == Place::kCluster) {
      if (auto failed = AddBody(bytes)) return failed;
    } else if (place_ == Place::kHeader) {
      if (raw_header_.size() + now > limits::kUploadHeaderBytesMax)
        return Fail(UploadFault::kInvalid, "there is too much before the first cluster");
      raw_header_.insert(raw_header_.end(), bytes.begin(), bytes.end());
    }
    left -= now;
    if (from_held) {
      held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(now));
    } else {
      input_ = input_.subspan(now);
    }
  }
  return std::nullopt;
}

std::optional<UploadError> UploadParser::AddBody(ByteSpan bytes) {
  if (body_.size() + bytes.size() > limits_.fragment_bytes)
    return Fail(UploadFault::kFragmentBytes,
                fmt::format("a fragment of more than {} bytes", limits_.fragment_bytes));
  body_.Write(bytes);
  return std::nullopt;
}

std::optional<UploadError> UploadParser::Take(const Event& event, std::vector<UploadEvent>& out) {
  switch (event.kind) {
    case Event::Kind::kOpen:
      return Open(event, out);
    case Event::Kind::kClose:
      return Close(event, out);
    case Event::Kind::kValue:
      return TakeValue(event, out);
    case Event::Kind::kFrame:
      return TakeFrame(event);
  }
  return std::nullopt;
}

std::optional<UploadError> UploadParser::Open(const Event& event, std::vector<UploadEvent>& out) {
  switch (event.id) {
    case ebml::kEbml:
      if (auto failed = EndFragment(out)) return failed;
      place_ = Place::kHeader;
      raw_header_.clear();
      header_reader_ = UploadHeaderReader();
      header_.reset();
      segment_ = false;
      return std::nullopt;
    case ebml::kSegment:
      if (place_ != Place::kHeader || segment_)
        return Fail(UploadFault::kInvalid, "a Segment without an EBML header of its own");
      segment_ = true;
      return std::nullopt;
    case ebml::kCluster:
      if (auto failed = EndFragment(out)) return failed;
      return BeginCluster(event.offset);
    case ebml::kBlockGroup:
      in_group_ = true;
      group_.reset();
      group_refers_ = false;
      group_duration_ = 0;
      return std::nullopt;
    case ebml::kTracks:
      if (place_ != Place::kHeader) return Fail(UploadFault::kInvalid, "Tracks behind a cluster");
      break;
    default:
      break;
  }
  if (place_ != Place::kHeader) return std::nullopt;
  header_reader_.Take(event);
  if (header_reader_.tracks() > limits_.tracks)
    return Fail(UploadFault::kTooManyTracks, fmt::format("more than {} tracks", limits_.tracks));
  return std::nullopt;
}

std::optional<UploadError> UploadParser::BeginCluster(uint64_t offset) {
  if (!header_) {
    if (!segment_) return Fail(UploadFault::kInvalid, "a cluster without a Segment");
    auto header = std::move(header_reader_).Finish(raw_header_);
    raw_header_ = std::vector<uint8_t>();
    if (!header.ok()) return Fail(UploadFault::kInvalid, header.error().message());
    header_ = std::move(*header);
  }
  place_ = Place::kCluster;
  cluster_offset_ = offset;
  open_ = true;
  in_group_ = false;
  return std::nullopt;
}

std::optional<UploadError> UploadParser::Close(const Event& event, std::vector<UploadEvent>& out) {
  if (event.id == ebml::kCluster) {
    place_ = Place::kBetween;
    if (!timecode_) return Fail(UploadFault::kInvalid, "a cluster without a Timestamp");
    return std::nullopt;
  }
  if (event.id == ebml::kSegment) {
    place_ = Place::kNothing;
    return EndFragment(out);
  }
  if (event.id == ebml::kBlockGroup && in_group_) {
    in_group_ = false;
    if (!group_) return std::nullopt;
    UploadBlock& block = blocks_[*group_];
    block.key = !group_refers_;
    block.duration = static_cast<int64_t>(std::min(group_duration_, kDurationMax));
  }
  return std::nullopt;
}

std::optional<UploadError> UploadParser::TakeValue(const Event& event,
                                                   std::vector<UploadEvent>& out) {
  if (place_ == Place::kHeader) {
    header_reader_.Take(event);
    return std::nullopt;
  }
  if (place_ == Place::kBetween && event.id == ebml::kTags) return TakeTags(event.value, out);
  if (place_ != Place::kCluster) return std::nullopt;
  if (event.id == ebml::kReferenceBlock) group_refers_ = true;
  if (event.id == ebml::kBlockDuration) group_duration_ = event.Uint();
  if (event.id != ebml::kTimestamp) return std::nullopt;
  if (timecode_) return Fail(UploadFault::kInvalid, "a cluster with two Timestamps");
  timecode_ = event.Uint();
  if (*timecode_ > static_cast<uint64_t>(kUploadTimeNsMax / header_->scale_ns))
    return Fail(UploadFault::kProducerTime, "a timecode beyond all times");
  out.emplace_back(UploadBegins{header_, *timecode_});
  return std::nullopt;
}

std::optional<UploadError> UploadParser::TakeTags(ByteSpan content, std::vector<UploadEvent>& out) {
  if (!open_) return std::nullopt;
  const Result<FragmentTags> tags = ReadFragmentTags(content);
  if (!tags.ok())
    return Fail(
        tags.error().code() == ErrorCode::kTooLarge ? UploadFault::kTags : UploadFault::kInvalid,
        tags.error().message());
  tags_ += tags->count;
  asks_notification_ |= tags->asks_notification;
  if (tags_ > limits_.tags)
    return Fail(UploadFault::kTags, fmt::format("more than {} tags", limits_.tags));
  if (auto failed = AddBody(tags->kept)) return failed;
  if (!tags->ends_fragment) return std::nullopt;
  return EndFragment(out);
}

std::optional<UploadError> UploadParser::TakeFrame(const Event& event) {
  if (place_ != Place::kCluster || !timecode_)
    return Fail(UploadFault::kInvalid, "a frame outside of a cluster that has begun");
  if (header_->Find(event.track) == nullptr)
    return Fail(UploadFault::kUnknownTrack, fmt::format("a frame of track {}", event.track));
  const int64_t relative_ns = int64_t{event.relative_time} * header_->scale_ns;
  if (std::abs(relative_ns / 1'000'000) > limits_.fragment_time.count())
    return Fail(UploadFault::kFragmentTime,
                fmt::format("a frame {} ms from its cluster", relative_ns / 1'000'000));
  if (blocks_.size() == limits::kUploadFramesMax)
    return Fail(UploadFault::kFragmentBytes, "too many frames in a fragment");
  UploadBlock block;
  block.track = static_cast<uint32_t>(event.track);
  block.key = event.key;
  block.time = static_cast<int64_t>(*timecode_) + event.relative_time;
  block.offset = static_cast<uint32_t>(event.data_offset - cluster_offset_);
  block.size = static_cast<uint32_t>(event.data_size);
  if (in_group_) group_ = blocks_.size();
  blocks_.push_back(block);
  return std::nullopt;
}

std::optional<UploadError> UploadParser::EndFragment(std::vector<UploadEvent>& out) {
  if (!open_) return std::nullopt;
  open_ = false;
  if (!timecode_) return Fail(UploadFault::kInvalid, "a cluster without a Timestamp");
  for (const UploadTrack& track : header_->tracks) {
    if (!limits_.every_track && !blocks_.empty()) break;
    const bool has = std::ranges::any_of(
        blocks_, [&track](const UploadBlock& block) { return block.track == track.number; });
    if (!has) {
      open_ = true;  // it is still the one that the error is about
      return Fail(UploadFault::kTrackMissing, fmt::format("no frame of track {}", track.number));
    }
  }
  UploadFragment fragment;
  fragment.timecode = *timecode_;
  fragment.body = body_.Finish();
  fragment.blocks = std::exchange(blocks_, {});
  header_ = WithPicturesOf(std::move(header_), fragment.body, fragment.blocks);
  fragment.header = header_;
  fragment.asks_notification = std::exchange(asks_notification_, false);
  timecode_.reset();
  in_group_ = false;
  tags_ = 0;
  if (place_ == Place::kCluster) place_ = Place::kBetween;
  out.emplace_back(std::move(fragment));
  return std::nullopt;
}

}  // namespace penstock::fragmenter
