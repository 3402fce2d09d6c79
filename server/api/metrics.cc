#include "base/metrics.h"

#include <fmt/format.h>

#include "server/api/operations.h"
#include "server/api/version.h"
#include "server/notifications/notifier.h"

namespace penstock::server {
namespace {

void Line(std::string& out, std::string_view name, std::string_view help, uint64_t value) {
  out += fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n{0} {2}\n", name, help, value);
}

std::string StoreLines(const store::Store::Stats& stats, size_t streams) {
  std::string out;
  Line(out, "penstock_streams", "Streams that exist", streams);
  Line(out, "penstock_store_volume_bytes", "Size of the volume the data lies on",
       stats.volume_bytes);
  Line(out, "penstock_store_volume_free_bytes", "Free bytes of that volume",
       stats.volume_free_bytes);
  Line(out, "penstock_store_segment_files", "Segment files", stats.segment_files);
  Line(out, "penstock_store_segment_bytes", "Bytes of segment files", stats.segment_bytes);
  Line(out, "penstock_store_index_buffer_bytes",
       "Rows of the index in memory until they are flushed, at most 48 MB",
       stats.index_buffer_bytes);
  Line(out, "penstock_store_index_cache_bytes", "Blocks of the index in memory, at most 32 MB",
       stats.index_cache_bytes);
  Line(out, "penstock_store_holds", "Holds that are not released", stats.holds);
  Line(out, "penstock_store_held_bytes", "Bytes of media that only holds keep", stats.held_bytes);
  Line(out, "penstock_store_read_only", "1 while a lane refuses writes after a failed sync",
       stats.read_only ? 1 : 0);
  Line(out, "penstock_store_full", "1 while the volume is too full to store", stats.full ? 1 : 0);
  Line(out, "penstock_store_unreadable_streams",
       "Streams whose rows in the catalog are damaged; `penstock store check` names them",
       stats.unreadable_streams);
  return out;
}

// Streams come and go, so their lines are made from what is there now rather than kept as metrics.
// Names need no escaping: they are letters, digits, '_', '.' and '-'.
std::string StreamLines(const std::vector<ingest::PublicationStatus>& publications) {
  std::string recording =
      "# HELP penstock_stream_recording 1 while fragments of the stream become durable\n"
      "# TYPE penstock_stream_recording gauge\n";
  std::string bits =
      "# HELP penstock_stream_bits_per_second Received media over the last ten seconds\n"
      "# TYPE penstock_stream_bits_per_second gauge\n";
  std::string lost =
      "# HELP penstock_stream_packets_lost Packets lost since the publication began\n"
      "# TYPE penstock_stream_packets_lost gauge\n";
  std::string dropped =
      "# HELP penstock_stream_fragments_dropped Fragments not stored since the publication began\n"
      "# TYPE penstock_stream_fragments_dropped gauge\n";
  for (const auto& publication : publications) {
    const std::string label = fmt::format("{{stream=\"{}\"}}", publication.stream.text());
    uint64_t packets = 0;
    for (const auto& track : publication.tracks) packets += track.packets_lost;
    recording += fmt::format("penstock_stream_recording{} {}\n", label,
                             publication.status.state == ingest::SourceState::kRecording ? 1 : 0);
    bits +=
        fmt::format("penstock_stream_bits_per_second{} {}\n", label, publication.bits_per_second);
    lost += fmt::format("penstock_stream_packets_lost{} {}\n", label, packets);
    dropped += fmt::format("penstock_stream_fragments_dropped{} {}\n", label,
                           publication.fragments_dropped);
  }
  if (publications.empty()) return "";
  return recording + bits + lost + dropped;
}

}  // namespace

Task<Outcome> Metrics(Services& services, Call call) {
  if (!call.caller.MayReadAll()) {
    co_return Error(ErrorCode::kForbidden,
                    "metrics name every stream; this key may not see all of them");
  }
  std::string text = metrics::RenderPrometheus();
  text += fmt::format(
      "# HELP penstock_info The version that runs\n# TYPE penstock_info gauge\n"
      "penstock_info{{version=\"{}\"}} 1\n",
      Version());
  text += StoreLines(services.store.GetStats(), services.store.ListStreams().size());
  if (services.aws.notifier != nullptr) {
    Line(text, "penstock_notification_lag_seconds",
         "Age of the oldest fragment whose notification is being tried",
         static_cast<uint64_t>(services.aws.notifier->Lag().count() / 1000));
  }
  text += StreamLines(services.sources.GetStatus());
  net::HttpResponse response(200, "text/plain; version=0.0.4; charset=utf-8", std::move(text));
  response.headers.Set("Penstock-Compress", "yes");
  response.headers.Set("Cache-Control", "no-store");
  co_return response;
}

}  // namespace penstock::server
