// The store's metrics, each found once.
#pragma once

#include "base/metrics.h"

namespace penstock::store {

struct StoreMetrics {
  metrics::Counter& commits =
      metrics::GetCounter("penstock_store_items_committed_total", "Records made durable");
  metrics::Counter& batches = metrics::GetCounter("penstock_store_batches_total", "Group commits");
  metrics::Counter& parts =
      metrics::GetCounter("penstock_store_batch_parts_total", "Segments touched by group commits");
  metrics::Counter& syncs =
      metrics::GetCounter("penstock_store_fdatasyncs_total", "fdatasync calls of group commits");
  metrics::Counter& bytes =
      metrics::GetCounter("penstock_store_written_bytes_total", "Bytes written by group commits");
  metrics::Counter& created =
      metrics::GetCounter("penstock_store_segments_created_total", "Segments begun");
  metrics::Counter& sealed =
      metrics::GetCounter("penstock_store_segments_sealed_total", "Segments sealed");
  metrics::Counter& removed =
      metrics::GetCounter("penstock_store_segments_removed_total", "Segments unlinked");
  metrics::Counter& made_room = metrics::GetCounter(
      "penstock_store_made_room_bytes_total", "Bytes removed before their time to keep space free");
  metrics::Counter& cleaned =
      metrics::GetCounter("penstock_store_cleaned_segments_total",
                          "Segments removed after what lived in them was copied");
  metrics::Counter& cleaned_bytes = metrics::GetCounter(
      "penstock_store_cleaning_copied_bytes_total", "Bytes of items copied out of such segments");
  metrics::Counter& recovered =
      metrics::GetCounter("penstock_store_recovered_batches_total", "Batches folded when opening");
  metrics::Counter& voided =
      metrics::GetCounter("penstock_store_voided_batches_total", "Batches cut off when opening");
  metrics::Counter& refused_full =
      metrics::GetCounter("penstock_store_refused_total", "Items refused", "reason=\"full\"");
  metrics::Counter& refused_throttled =
      metrics::GetCounter("penstock_store_refused_total", "Items refused", "reason=\"throttled\"");
  metrics::Counter& refused_fenced =
      metrics::GetCounter("penstock_store_refused_total", "Items refused", "reason=\"fenced\"");
  metrics::Counter& corrupt_reads =
      metrics::GetCounter("penstock_store_corrupt_reads_total", "Reads that met a wrong checksum");
  metrics::Gauge& pending_items =
      metrics::GetGauge("penstock_store_pending_items", "Records that wait for the log");
  metrics::Gauge& pending_bytes =
      metrics::GetGauge("penstock_store_pending_bytes", "Bytes that wait for the log");
  metrics::Gauge& index_full = metrics::GetGauge(
      "penstock_store_index_full", "1 while what is durable waits for room for the index");
  metrics::Gauge& folds_wait =
      metrics::GetGauge("penstock_store_folds_waiting",
                        "Lanes that take nothing because too much waits for the index");
  metrics::Histogram& commit_seconds = metrics::GetHistogram(
      "penstock_store_commit_seconds", "From submission to durable and folded");
  metrics::Histogram& sync_seconds =
      metrics::GetHistogram("penstock_store_fdatasync_seconds", "One fdatasync");

  static StoreMetrics& Get() {
    static auto* metrics = new StoreMetrics;
    return *metrics;
  }
};

}  // namespace penstock::store
