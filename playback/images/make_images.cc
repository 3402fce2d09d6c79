#include "playback/images/make_images.h"

#include <algorithm>
#include <ctime>
#include <exception>
#include <limits>
#include <map>
#include <optional>

#include "fragmenter/codec/byte_stream.h"
#include "playback/images/image_encoder.h"
#include "playback/images/picture_decoder.h"

namespace penstock::playback {
namespace {

using fragmenter::Frame;
using fragmenter::FrameTable;
using fragmenter::TrackConfig;

// Of this thread: what others do meanwhile, or a machine that stands still, counts for nothing.
double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// Images of one fragment on their way; by place.
class Work {
 public:
  Work(const TrackConfig& track, const FrameTable& table, const ByteChain& cluster,
       const FrameChoice& choice, const ImageForm& form, const std::atomic<bool>* stop)
      : byte_stream_(track.byte_stream),
        table_(table),
        cluster_(cluster),
        choice_(choice),
        form_(form),
        stop_(stop) {}

  // From a key frame on as far as the last of `wanted`, which ascend and are not empty. Whatever is
  // wrong becomes what those are that it concerns.
  void Decode(PictureDecoder& decoder, size_t key, const std::vector<size_t>& wanted) {
    decoder.Restart();
    // From here on pictures are not what the camera saw.
    std::optional<Error> fault;
    size_t fault_at = std::numeric_limits<size_t>::max();
    const auto blame = [&](size_t place, const Error& error) {
      // Before the key frame was shown nothing that follows it needs it.
      if (place >= fault_at || choice_.IsShownBefore(place, key)) return;
      fault = error;
      fault_at = place;
    };
    const auto take = [&] {
      while (auto shown = decoder.Take()) {
        const auto place = static_cast<size_t>(std::max<int64_t>(shown->label, 0));
        if (!shown->picture.ok()) {
          blame(shown->label < 0 ? key : place, shown->picture.error());
        } else if (place < fault_at && std::ranges::binary_search(wanted, place)) {
          images_.emplace(place, EncodeImage(*shown->picture, form_));
        }
      }
    };
    for (size_t place = key; place <= wanted.back() && place < fault_at; ++place) {
      const Status put = Put(decoder, place, std::ranges::binary_search(wanted, place));
      if (!put.ok()) blame(place, put.error());
      take();
    }
    if (const Status ended = decoder.End(); !ended.ok()) blame(wanted.back(), ended.error());
    take();
    for (const size_t place : wanted) {
      if (place >= fault_at) images_.emplace(place, *fault);
    }
  }

  void Fail(const std::vector<size_t>& wanted, const Error& error) {
    for (const size_t place : wanted) images_.emplace(place, error);
  }

  Result<Bytes> Image(size_t place) const {
    const auto found = images_.find(place);
    if (found != images_.end()) return found->second;
    return Error(ErrorCode::kCorruption, "no picture came of it");
  }

 private:
  Status Put(PictureDecoder& decoder, size_t place, bool wanted) {
    if (stop_ != nullptr && *stop_) return Error(ErrorCode::kCancelled, "the server stops");
    if (CpuSeconds() - begun_ > kImageCpuSecondsMax)
      return Error(ErrorCode::kTimeout, "the pictures take too long to decode");
    const Frame& frame = table_.frames[choice_.order()[place]];
    if (uint64_t{frame.offset} + frame.size > cluster_.size() || frame.size == 0)
      return Error(ErrorCode::kCorruption, "a frame ends after its cluster");
    PS_TRY(const ByteChain coded, Coded(frame));
    return decoder.Put(coded, static_cast<int64_t>(place), wanted);
  }

  // With lengths, as the decoder wants it. Requires that it lies in the cluster.
  Result<ByteChain> Coded(const Frame& frame) const {
    ByteChain stored = cluster_.Slice(frame.offset, frame.size);
    if (!byte_stream_) return stored;
    const ChainView view(stored);
    fragmenter::LengthPrefixer out(view);
    PS_TRY_VOID(out.Add(0, view.size()));
    return std::move(out).Take();
  }

  const bool byte_stream_;
  const FrameTable& table_;
  const ByteChain& cluster_;
  const FrameChoice& choice_;
  const ImageForm& form_;
  const std::atomic<bool>* const stop_;
  const double begun_ = CpuSeconds();
  std::map<size_t, Result<Bytes>> images_;
};

void MakeAll(const TrackConfig& track, const FrameChoice& choice, std::vector<size_t> places,
             Work& work) {
  std::ranges::sort(places);
  std::map<size_t, std::vector<size_t>> by_key;
  std::vector<size_t> without;
  for (const size_t place : places) {
    const std::optional<size_t> key = choice.KeyOf(place);
    (key ? by_key[*key] : without).push_back(place);
  }
  work.Fail(without, Error(ErrorCode::kUnsupported, "no key frame is before it in its fragment"));
  auto decoder = PictureDecoder::Make(track);
  for (const auto& [key, wanted] : by_key) {
    if (decoder.ok()) {
      work.Decode(**decoder, key, wanted);
    } else {
      work.Fail(wanted, decoder.error());
    }
  }
}

}  // namespace

std::vector<Result<Bytes>> MakeImages(const TrackConfig& track, const FrameTable& table,
                                      const ByteChain& cluster, const std::vector<size_t>& places,
                                      const ImageForm& form, const std::atomic<bool>* stop) {
  const FrameChoice choice(track, table);
  Work work(track, table, cluster, choice, form, stop);
  try {
    MakeAll(track, choice, places, work);
  } catch (const std::exception& failure) {
    work.Fail(places, Error(ErrorCode::kUnavailable, failure.what()));
  }
  std::vector<Result<Bytes>> out;
  for (const size_t place : places) out.push_back(work.Image(place));
  return out;
}

}  // namespace penstock::playback
