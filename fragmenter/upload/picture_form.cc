#include "fragmenter/upload/picture_form.h"

#include <algorithm>

#include "base/check.h"
#include "fragmenter/codec/byte_stream.h"
#include "fragmenter/codec/config_box.h"
#include "fragmenter/codec/nal.h"
#include "fragmenter/codec/parameter_sets.h"

namespace penstock::fragmenter {
namespace {

constexpr size_t kHeadBytesMax = 64 * 1024;
constexpr size_t kSetsMax = 512;

using Units = std::vector<ByteSpan>;

bool IsBox(const TrackConfig& track) {
  return ParseVideoFormat(track.codec, track.codec_private).ok();
}

bool IsSlice(Codec codec, uint8_t head) {
  const int type = NalType(codec, head);
  return codec == Codec::kH264 ? type >= 1 && type <= 5 : type < 32;
}

// Takes a NAL unit; false: nothing that is looked for follows.
bool TakeSet(Codec codec, ByteSpan nal, Units& sets) {
  if (nal.empty()) return true;
  if (IsSlice(codec, nal[0]) || sets.size() == kSetsMax) return false;
  if (IsParameterSet(codec, nal[0])) sets.push_back(nal);
  return true;
}

// The parameter sets before the first slice, of those units that are whole.
Units SetsBeforePictures(Codec codec, const Bytes& head, bool whole, bool byte_stream) {
  Units sets;
  ByteSpan rest = head.span();
  if (!byte_stream) {
    for (auto nal = TakeNal(rest); nal && TakeSet(codec, *nal, sets);) nal = TakeNal(rest);
    return sets;
  }
  const ChainView view{ByteChain(head)};
  ByteStreamReader reader(view, 0, view.size());
  for (auto unit = reader.Next(); unit; unit = reader.Next()) {
    if (!whole && unit->offset + unit->size == view.size()) break;  // it may go on
    if (!TakeSet(codec, rest.subspan(unit->offset, unit->size), sets)) break;
  }
  return sets;
}

bool Has(const Units& sets, ByteSpan one) {
  return std::ranges::any_of(sets, [&](ByteSpan set) { return std::ranges::equal(set, one); });
}

std::optional<TrackConfig> Described(TrackConfig track, Bytes box, bool byte_stream) {
  const auto format = ParseVideoFormat(track.codec, box);
  if (!format.ok()) return std::nullopt;
  track.codec_private = std::move(box);
  track.byte_stream = byte_stream;
  track.width = format->width;
  track.height = format->height;
  return track;
}

// With what comes in front of the pictures, where it was not known.
std::optional<TrackConfig> Updated(const TrackConfig& announced, const TrackConfig* known,
                                   const Units& come, bool byte_stream) {
  const Codec codec = announced.codec;
  Units sets;
  if (known != nullptr) {
    const auto read = ReadParameterSets(codec, known->codec_private);
    if (read.ok()) sets = read->units;
    if (read.ok() && std::ranges::all_of(come, [&](ByteSpan set) { return Has(sets, set); })) {
      TrackConfig same = *known;
      same.byte_stream = byte_stream;
      // Samples that are made have lengths of four bytes, whatever was announced.
      if (byte_stream) same.codec_private = WithFourByteLengths(codec, same.codec_private);
      return same;
    }
  }
  std::erase_if(sets, [&](ByteSpan set) {
    return std::ranges::any_of(
        come, [&](ByteSpan one) { return NalType(codec, one[0]) == NalType(codec, set[0]); });
  });
  for (const ByteSpan set : come) {
    if (!Has(sets, set)) sets.push_back(set);
  }
  auto box = MakeConfigBox(codec, sets);
  if (box.ok()) return Described(announced, std::move(*box), byte_stream);
  if (known == nullptr) return std::nullopt;
  TrackConfig same = *known;
  same.byte_stream = byte_stream;
  return same;
}

// nullopt: nothing else than was known (`known`; nullptr if that is nothing).
std::optional<TrackConfig> ConfigOf(const TrackConfig& announced, const TrackConfig* known,
                                    const ByteChain& body, const UploadBlock& block) {
  const auto bytes = [&](size_t most) {
    return body.Slice(block.offset, std::min<size_t>(block.size, most)).Flatten();
  };
  const bool seems = SeemsByteStream(bytes(4));
  const bool was = known != nullptr && known->byte_stream;
  const bool as_announced =
      known != nullptr && AsText(known->codec_private) == AsText(announced.codec_private);
  if (as_announced && !was && !seems) return std::nullopt;
  const auto box = ReadParameterSets(announced.codec, announced.codec_private);
  const bool boxed = box.ok() && IsBox(announced);
  const Bytes head = bytes(kHeadBytesMax);
  bool byte_stream = seems || was;
  if (byte_stream) {
    const size_t length_bytes = boxed ? box->length_bytes : 4;
    const bool whole = head.size() == block.size;
    const bool lengths = MayHaveLengths(head, block.size, length_bytes) &&
                         (whole || MayHaveLengths(bytes(block.size), block.size, length_bytes));
    byte_stream = !lengths;
  }
  if (boxed && !byte_stream) return DescribePictures(announced);
  const Units come =
      SetsBeforePictures(announced.codec, head, head.size() == block.size, byte_stream);
  return Updated(announced, known, come, byte_stream);
}

// The frame that says what a track's pictures are.
const UploadBlock* FirstOf(uint32_t track, const std::vector<UploadBlock>& blocks) {
  const UploadBlock* first = nullptr;
  for (const UploadBlock& block : blocks) {
    if (block.track != track || block.size == 0) continue;
    if (block.key) return &block;
    if (first == nullptr) first = &block;
  }
  return first;
}

}  // namespace

std::optional<TrackConfig> DescribePictures(const TrackConfig& announced) {
  if (IsBox(announced)) {
    TrackConfig track = announced;
    if (track.width != 0 && track.height != 0) return track;
    return Described(std::move(track), announced.codec_private, false);
  }
  if (!SeemsByteStream(announced.codec_private)) return std::nullopt;
  const Units sets =
      SetsBeforePictures(announced.codec, announced.codec_private, true, /*byte_stream=*/true);
  auto box = MakeConfigBox(announced.codec, sets);
  if (!box.ok()) return std::nullopt;
  return Described(announced, std::move(*box), /*byte_stream=*/true);
}

std::shared_ptr<const UploadHeader> WithPicturesOf(std::shared_ptr<const UploadHeader> header,
                                                   const ByteChain& body,
                                                   const std::vector<UploadBlock>& blocks) {
  TrackSet playable;
  for (const UploadTrack& track : header->tracks) {
    const TrackConfig* const known = header->playable.Find(track.number);
    const TrackConfig* const announced = header->pictures.Find(track.number);
    const UploadBlock* const first = announced != nullptr ? FirstOf(track.number, blocks) : nullptr;
    std::optional<TrackConfig> config;
    if (first != nullptr) config = ConfigOf(*announced, known, body, *first);
    if (!config && known != nullptr) config = *known;
    if (config) playable.tracks.push_back(std::move(*config));
  }
  if (playable == header->playable) return header;
  auto changed = std::make_shared<UploadHeader>(*header);
  changed->playable = std::move(playable);
  for (UploadTrack& track : changed->tracks) {
    if (changed->playable.Find(track.number) != nullptr) track.why_unplayable.clear();
  }
  return changed;
}

}  // namespace penstock::fragmenter
