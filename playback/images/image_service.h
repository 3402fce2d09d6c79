// Images of a stream's pictures: made when they are asked for, once, however many ask.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/task.h"
#include "playback/images/image_form.h"
#include "store/shard.h"

namespace penstock::playback {

struct ImageOptions {
  size_t cache_bytes = 32u << 20;
  // Fragments that are decoded at a time, each by a thread that gives way to all others. Such a one
  // has the fragment (50 MB at most) and the decoder's pictures (PictureDecoder) in memory.
  size_t threads = 2;
  // Fragments that may wait for that; the next is refused.
  size_t waiting_max = 64;
};

// Thread-safe: any executor may call it, and it comes back there. It must outlive every call, and
// executors must outlive it.
class ImageService {
 public:
  explicit ImageService(ImageOptions options = {});
  ~ImageService();
  ImageService(const ImageService&) = delete;

  // What is being decoded is given up, and so is what comes (kCancelled): the server stops.
  void Stop();

  // What was shown so long after the fragment's first picture, each; equal pictures share their
  // bytes. All have failed:
  //   kThrottled    too many fragments wait to be decoded
  //   kTrimmed, kNotFound  the fragment has gone
  //   kIo           from the store's index
  // One has failed, as MakeImages says, or also:
  //   kCorruption, kIo     the fragment cannot be read
  //   kUnsupported  it holds no pictures
  using Images = std::vector<Result<Bytes>>;
  Task<Result<Images>> Get(std::shared_ptr<store::Shard> shard, store::ItemRef fragment,
                           std::vector<std::chrono::microseconds> after, ImageForm form);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::playback
