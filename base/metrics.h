// Counters and gauges, readable as Prometheus text. Names: penstock_<what>_<unit>[_total].
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace penstock::metrics {

class Counter {
 public:
  void Add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void Set(int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void Add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Latencies in seconds, in fixed buckets that double from 100 us to 52 s.
class Histogram {
 public:
  static constexpr int kBuckets = 20;
  void Record(double seconds);
  uint64_t bucket(int i) const { return buckets_[i].load(std::memory_order_relaxed); }
  double sum() const { return static_cast<double>(sum_us_.load(std::memory_order_relaxed)) / 1e6; }
  static double UpperBound(int i);  // seconds; the last bucket has no bound

 private:
  std::atomic<uint64_t> buckets_[kBuckets + 1]{};
  std::atomic<uint64_t> sum_us_{0};
};

// Finds or makes the metric of that name and label set (`labels` as in Prometheus:
// reason="full",kind="x"; empty for none). Thread-safe, but takes a lock: keep the reference, which
// stays valid for the program's life.
Counter& GetCounter(std::string_view name, std::string_view help, std::string_view labels = "");
Gauge& GetGauge(std::string_view name, std::string_view help, std::string_view labels = "");
Histogram& GetHistogram(std::string_view name, std::string_view help, std::string_view labels = "");

// Everything in Prometheus' text format 0.0.4, sorted by name.
std::string RenderPrometheus();

}  // namespace penstock::metrics
