// What many viewers want at once is made once and kept for a while: a cache bounded by bytes, and a
// meeting point for those who come while the thing is being made.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/metrics.h"
#include "base/task.h"
#include "playback/resource.h"

namespace penstock::playback {

// Thread-safe. Copies of a Resource share its bytes. When full, the least recently used go.
//
// Of a range of a file only the place is kept, never the file: the store closes files that are too
// many and those that retention has removed, and then the entry is gone, too.
class ResourceCache {
 public:
  // `name` labels its metrics; it must live as long as the program.
  ResourceCache(size_t bytes_max, const char* name);
  ~ResourceCache();
  ResourceCache(const ResourceCache&) = delete;

  std::optional<Resource> Get(const std::string& key);
  // `cost`: the memory it keeps alive, bytes. What costs more than a quarter of all there is, is
  // not kept: it would push out the rest.
  void Put(const std::string& key, Resource resource, size_t cost);
  size_t bytes() const;

 private:
  struct Entry {
    std::string key;
    Resource resource;  // its file ranges without their files
    std::vector<std::weak_ptr<const FileHandle>> files;
    size_t cost = 0;
  };
  // nullopt if a file has been closed meanwhile.
  static std::optional<Resource> WithFiles(const Entry& entry);
  void Drop(std::list<Entry>::iterator entry);  // under the mutex

  const size_t bytes_max_;
  metrics::Counter& hits_;
  metrics::Counter& misses_;
  metrics::Gauge& gauge_;

  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;  // views into entries_
  size_t bytes_ = 0;
};

// Thread-safe. The first who asks for a key makes the thing; who asks meanwhile waits for it.
class SingleFlight {
 public:
  using Outcome = Result<Resource>;

  // Held by the one who makes it, whatever way that ends: those who wait are told kCancelled if it
  // ends without an outcome.
  class Leader {
   public:
    Leader(SingleFlight& flights, std::string key) : flights_(flights), key_(std::move(key)) {}
    ~Leader();
    Leader(const Leader&) = delete;
    void Finish(const Outcome& outcome);

   private:
    SingleFlight& flights_;
    const std::string key_;
    bool finished_ = false;
  };

  // Something to wait for if another makes it already; else nullopt, and the caller must make a
  // Leader of this key.
  std::optional<Oneshot<Outcome>> Join(const std::string& key);

 private:
  std::vector<Oneshot<Outcome>> Take(const std::string& key);

  std::mutex mutex_;
  std::unordered_map<std::string, std::vector<Oneshot<Outcome>>> waiting_;
};

}  // namespace penstock::playback
