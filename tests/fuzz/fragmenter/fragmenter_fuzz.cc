// Units, reports, silence, leaps and new configurations in any order: what comes out is a fragment
// each time.
#include <map>

#include "base/byte_io.h"
#include "fragmenter/ebml/reader.h"
#include "fragmenter/fragmenter.h"

using namespace penstock;              // NOLINT: a small program
using namespace penstock::fragmenter;  // NOLINT

namespace {

// The frame table says where the cluster's blocks are.
void CheckCluster(const Fragment& fragment) {
  const Bytes cluster = fragment.cluster.Flatten();
  ByteSpan input = cluster;
  ebml::Reader reader;
  size_t frames = 0;
  for (;;) {
    const auto event = reader.Next(input);
    CHECK(event.ok());
    if (!*event) break;
    if ((*event)->kind != ebml::Event::Kind::kFrame) continue;
    CHECK(frames < fragment.frames.frames.size());
    const Frame& frame = fragment.frames.frames[frames++];
    CHECK((*event)->track == frame.track);
    CHECK((*event)->data_offset == frame.offset);
    CHECK((*event)->data_size == frame.size);
    CHECK((*event)->key == frame.key);
  }
  CHECK(reader.Finish().ok());
  CHECK(frames == fragment.frames.frames.size());
}

class Checker {
 public:
  void operator()(const Fragment& fragment) {
    CHECK(!fragment.frames.frames.empty());
    CHECK(fragment.starts_run || started_);
    if (fragment.starts_run) last_dts_.clear();
    started_ = true;
    for (const Frame& frame : fragment.frames.frames) {
      CHECK(fragment.tracks->Find(frame.track) != nullptr);
      CHECK(frame.dts >= 0);
      const auto last = last_dts_.find(frame.track);
      CHECK(last == last_dts_.end() || frame.dts > last->second);
      last_dts_[frame.track] = frame.dts;
    }
    CheckCluster(fragment);
    CHECK(FrameTable::Decode(fragment.frames.Encode()).ok());
  }

 private:
  bool started_ = false;
  std::map<uint32_t, int64_t> last_dts_;
};

TrackConfig Track(uint32_t number, uint8_t variant) {
  TrackConfig track;
  track.number = number;
  track.codec = number % 2 == 1 ? Codec::kH264 : Codec::kAac;
  const uint8_t config[] = {0x11, 0x90};
  track.codec_private = Bytes::Copy(ByteSpan(config));
  track.clock_rate = number % 2 == 1 ? 90'000 : 48'000;
  track.width = 320 + variant % 2;
  track.channels = 2;
  return track;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader in(ByteSpan(data, size));
  Checker checker;
  CutPolicy policy;
  policy.duration_max = std::chrono::milliseconds(3000);
  policy.bytes_max = 5000;
  Fragmenter fragmenter(policy, [&](Fragment fragment) { checker(fragment); });
  int64_t now_ms = 1'700'000'000'000;
  std::map<uint32_t, int64_t> pts;
  while (in.left() > 0) {
    const uint8_t step = in.Be<uint8_t>();
    const uint32_t track = 1 + step % 4;
    const uint8_t argument = in.Be<uint8_t>();
    switch (step >> 4) {
      case 0:
        fragmenter.SetTrack(Track(track, argument));
        break;
      case 1:
        fragmenter.Break();
        break;
      case 2:
        fragmenter.Tick(ServerTimeFromMs(now_ms));
        break;
      case 3:
        now_ms += argument * int64_t{100};
        break;
      case 4:
        now_ms -= argument * int64_t{1000};
        break;
      case 5:
        pts[track] =
            static_cast<int64_t>(static_cast<uint64_t>(pts[track]) +
                                 static_cast<uint64_t>((int64_t{argument} - 128) * 1'000'000));
        break;
      case 6:
        pts[track] = static_cast<int64_t>(uint64_t{argument} << 56);
        break;
      case 7:
        fragmenter.SenderReport(track, pts[track],
                                ProducerTimeFromUs((now_ms + argument * 20 - 2000) * 1000),
                                ServerTimeFromMs(now_ms));
        break;
      case 8:
        fragmenter.SenderReport(track, pts[track],
                                ProducerTimeFromUs(static_cast<int64_t>(uint64_t{argument} << 55)),
                                ServerTimeFromMs(now_ms));
        break;
      default: {
        AccessUnit unit;
        unit.track = track;
        pts[track] = static_cast<int64_t>(static_cast<uint64_t>(pts[track]) + 3600u);
        unit.pts = static_cast<int64_t>(static_cast<uint64_t>(pts[track]) + argument % 4 * 5000u);
        if (step >> 4 == 9)
          unit.dts = static_cast<int64_t>(static_cast<uint64_t>(unit.pts) - argument);
        unit.key = argument >= 200;
        unit.damaged = argument == 7;
        unit.data = Bytes::Copy(std::string(1 + argument, 'x'));
        unit.received = ServerTimeFromMs(now_ms += 20);
        static_cast<void>(fragmenter.Push(std::move(unit)).ok());
        break;
      }
    }
  }
  fragmenter.Break();
  return 0;
}
