#include "playback/mkv_export.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/byte_io.h"
#include "fragmenter/media.h"

namespace penstock::playback {
namespace {

using std::chrono::microseconds;
using store::ItemHeader;
using store::ItemRef;
using ShardPtr = std::shared_ptr<store::Shard>;

constexpr size_t kPageItems = 4096;
constexpr size_t kTimestampBytes = 8;

void AddToPlan(ExportPlan& plan, const ItemRef& ref) {
  const ItemHeader& item = ref.header;
  if (item.kind != store::ItemKind::kFragment) {
    ++plan.gaps;
    return;
  }
  if (plan.documents.empty() || plan.documents.back().track_set != item.track_set) {
    plan.documents.emplace_back().track_set = item.track_set;
  }
  ExportDocument& document = plan.documents.back();
  document.fragments.push_back(ref);
  document.duration += item.duration;
  document.body_bytes += item.body_bytes;
}

Status CheckRange(ServerTime start, ServerTime end) {
  if (end <= start) return Error(ErrorCode::kInvalidArgument, "end must be after start");
  const double span_ms = static_cast<double>(ToMs(end)) - static_cast<double>(ToMs(start));
  constexpr std::chrono::milliseconds kMax = kExportRangeMax;
  if (span_ms > static_cast<double>(kMax.count())) {
    return Error(ErrorCode::kTooLarge,
                 fmt::format("an export may span at most {} hours", kExportRangeMax.count()));
  }
  return {};
}

// Where the next cluster stands in the document. Within a run the clusters' own distances hold; a
// new run follows at once on the end of the one before, however long the hole.
class DocumentClock {
 public:
  uint64_t Place(const ItemHeader& item, uint64_t cluster_ms) {
    const bool same_run = run_ && *run_ == item.run && cluster_ms >= origin_ms_;
    if (!same_run) {
      run_ = item.run;
      origin_ms_ = cluster_ms;
      base_ms_ = end_ms_;
    }
    // A camera's clock may be set back within a run; a document's clusters are in order.
    const uint64_t at = std::max(base_ms_ + (cluster_ms - origin_ms_), last_ms_);
    last_ms_ = at;
    const int64_t duration_ms = (item.duration.count() + 500) / 1000;
    end_ms_ = std::max(end_ms_, at + static_cast<uint64_t>(std::max<int64_t>(duration_ms, 1)));
    return at;
  }

 private:
  std::optional<store::RunId> run_;
  uint64_t origin_ms_ = 0;  // the run's first cluster, by the camera's clock
  uint64_t base_ms_ = 0;    // the same, in the document
  uint64_t last_ms_ = 0;
  uint64_t end_ms_ = 0;
};

// What an export goes on without: the rest of the range is still worth having.
bool IsLoss(ErrorCode code) {
  return code == ErrorCode::kTrimmed || code == ErrorCode::kCorruption ||
         code == ErrorCode::kNotFound;
}

// The fragment's cluster with its place in the document.
Task<Result<ByteChain>> LoadCluster(ShardPtr shard, ItemRef ref, DocumentClock* clock) {
  PS_CO_TRY(store::ItemBytes bytes, co_await shard->Open(ref, store::BodyForm::kMemory));
  const ByteChain& cluster = std::get<ByteChain>(bytes.body);
  PS_CO_TRY(const uint64_t cluster_ms, TimestampOf(cluster));
  co_return WithTimestamp(cluster, clock->Place(ref.header, cluster_ms));
}

}  // namespace

Result<uint64_t> TimestampOf(const ByteChain& cluster) {
  const size_t at = fragmenter::kClusterTimestampOffset;
  if (cluster.size() < at + kTimestampBytes) {
    return Error(ErrorCode::kCorruption, "a cluster without a timestamp");
  }
  const Bytes raw = cluster.Slice(at, kTimestampBytes).Flatten();
  return ByteReader(raw).Be<uint64_t>();
}

Result<ByteChain> WithTimestamp(const ByteChain& cluster, uint64_t timestamp_ms) {
  PS_TRY_VOID(TimestampOf(cluster));
  const size_t at = fragmenter::kClusterTimestampOffset;
  ByteWriter head;
  head.Raw(cluster.Slice(0, at).Flatten());
  head.Be(timestamp_ms);
  ByteChain out(head.Take());
  out.Append(cluster.Slice(at + kTimestampBytes, cluster.size() - at - kTimestampBytes));
  return out;
}

Task<Result<ExportPlan>> PlanExport(ShardPtr shard, ServerTime start, ServerTime end) {
  PS_CO_TRY_VOID(CheckRange(start, end));
  ExportPlan plan;
  store::Selector from = store::FromServerTime{start};
  bool more = true;
  while (more) {
    PS_CO_TRY(const std::vector<ItemRef> page, co_await shard->Find(from, kPageItems));
    more = page.size() == kPageItems;
    for (const ItemRef& ref : page) {
      if (ref.header.server_time >= end) {
        more = false;
        break;
      }
      AddToPlan(plan, ref);
    }
    if (more) from = store::FromOrdinal{page.back().header.ordinal + 1};
  }
  if (plan.documents.empty()) {
    co_return Error(ErrorCode::kNotFound, fmt::format("nothing is stored between {} and {}",
                                                      FormatRfc3339(start), FormatRfc3339(end)));
  }
  co_return plan;
}

Task<Result<ExportProgress>> WriteExportDocument(ShardPtr shard, ExportDocument document,
                                                 ExportSink sink,
                                                 ExportProgressCallback on_progress,
                                                 CancelToken token) {
  PS_CO_TRY(const store::TrackSet tracks, co_await shard->GetTrackSet(document.track_set));
  ExportProgress progress;
  ByteChain header(tracks.body);
  PS_CO_TRY_VOID(co_await sink(header));
  progress.bytes_written += header.size();

  DocumentClock clock;
  for (const ItemRef& ref : document.fragments) {
    if (token.cancelled()) co_return Error(ErrorCode::kCancelled, "the export was given up");
    Result<ByteChain> cluster = co_await LoadCluster(shard, ref, &clock);
    ++progress.fragments_done;
    if (cluster.ok()) {
      progress.bytes_written += cluster->size();
      PS_CO_TRY_VOID(co_await sink(*cluster));
    } else if (IsLoss(cluster.error().code())) {
      ++progress.fragments_lost;
    } else {
      co_return std::move(cluster).error();
    }
    if (on_progress) on_progress(progress);
  }
  co_return progress;
}

}  // namespace penstock::playback
