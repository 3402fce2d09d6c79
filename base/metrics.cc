#include "base/metrics.h"

#include <map>
#include <mutex>
#include <variant>

#include <fmt/format.h>

#include "base/check.h"

namespace penstock::metrics {
namespace {

struct Family {
  std::string help;
  std::map<
      std::string,
      std::variant<std::unique_ptr<Counter>, std::unique_ptr<Gauge>, std::unique_ptr<Histogram>>,
      std::less<>>
      members;
};

struct Registry {
  std::mutex mutex;
  std::map<std::string, Family, std::less<>> families;
};

Registry& TheRegistry() {
  static auto* registry = new Registry;
  return *registry;
}

template <class M>
M& Get(std::string_view name, std::string_view help, std::string_view labels) {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  Family& family = registry.families[std::string(name)];
  if (family.help.empty()) family.help = help;
  const auto found = family.members.find(labels);
  if (found != family.members.end()) {
    auto* member = std::get_if<std::unique_ptr<M>>(&found->second);
    CHECK(member != nullptr);
    return **member;
  }
  auto made = std::make_unique<M>();
  M& metric = *made;
  family.members.emplace(std::string(labels), std::move(made));
  return metric;
}

std::string Braced(std::string_view labels) {
  return labels.empty() ? "" : fmt::format("{{{}}}", labels);
}

void RenderHistogram(std::string& out, std::string_view name, std::string_view labels,
                     const Histogram& histogram) {
  const std::string_view comma = labels.empty() ? "" : ",";
  uint64_t total = 0;
  for (int i = 0; i <= Histogram::kBuckets; ++i) {
    total += histogram.bucket(i);
    const std::string bound =
        i == Histogram::kBuckets ? "+Inf" : fmt::format("{:g}", Histogram::UpperBound(i));
    out += fmt::format("{}_bucket{{{}{}le=\"{}\"}} {}\n", name, labels, comma, bound, total);
  }
  out += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, Braced(labels), histogram.sum(), name,
                     Braced(labels), total);
}

}  // namespace

double Histogram::UpperBound(int i) { return 1e-4 * static_cast<double>(uint64_t{1} << i); }

void Histogram::Record(double seconds) {
  int i = 0;
  while (i < kBuckets && seconds > UpperBound(i)) ++i;
  buckets_[i].fetch_add(1, std::memory_order_relaxed);
  sum_us_.fetch_add(static_cast<uint64_t>(seconds * 1e6), std::memory_order_relaxed);
}

Counter& GetCounter(std::string_view name, std::string_view help, std::string_view labels) {
  return Get<Counter>(name, help, labels);
}
Gauge& GetGauge(std::string_view name, std::string_view help, std::string_view labels) {
  return Get<Gauge>(name, help, labels);
}
Histogram& GetHistogram(std::string_view name, std::string_view help, std::string_view labels) {
  return Get<Histogram>(name, help, labels);
}

std::string RenderPrometheus() {
  Registry& registry = TheRegistry();
  const std::lock_guard lock(registry.mutex);
  std::string out;
  for (const auto& [name, family] : registry.families) {
    static constexpr std::string_view kTypes[] = {"counter", "gauge", "histogram"};
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, family.help, name,
                       kTypes[family.members.begin()->second.index()]);
    for (const auto& [labels, member] : family.members) {
      if (const auto* counter = std::get_if<std::unique_ptr<Counter>>(&member)) {
        out += fmt::format("{}{} {}\n", name, Braced(labels), (*counter)->value());
      } else if (const auto* gauge = std::get_if<std::unique_ptr<Gauge>>(&member)) {
        out += fmt::format("{}{} {}\n", name, Braced(labels), (*gauge)->value());
      } else {
        RenderHistogram(out, name, labels, *std::get<std::unique_ptr<Histogram>>(member));
      }
    }
  }
  return out;
}

}  // namespace penstock::metrics
