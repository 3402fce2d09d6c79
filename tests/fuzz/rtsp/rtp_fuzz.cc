// RTP and RTCP packets. The input is a series of packets, each after its length in one byte; the
// reorder window must give each out at most once and in order.
#include "base/byte_io.h"
#include "base/check.h"
#include "ingest/rtp/packet.h"
#include "ingest/rtp/reception_stats.h"
#include "ingest/rtp/reorder_window.h"
#include "ingest/rtp/rtcp.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock;               // NOLINT: a program of one function
  using namespace penstock::ingest::rtp;  // NOLINT
  uint64_t inserted = 0;
  uint64_t delivered = 0;
  ReorderWindow::Options options;
  options.packets_max = 8;
  ReorderWindow window(options, [&](Bytes, uint64_t) { ++delivered; });
  ReceptionStats stats(90'000);
  SimulatedClock clock(ServerTimeFromMs(0));
  (void)ParseCompound(ByteSpan(data, size));
  ByteReader reader{ByteSpan(data, size)};
  while (reader.ok() && reader.left() > 0) {
    const auto length = reader.Be<uint8_t>();
    clock.Advance(std::chrono::milliseconds(length));
    const ByteSpan packet = reader.Raw(length);
    const auto compound = ParseCompound(packet);
    if (compound.ok()) {
      // What we write from what we read can be read.
      CHECK(ParseCompound(MakeReceiverReport(1, compound->blocks, "name", true)).ok());
      for (const SenderReport& report : compound->sender_reports)
        stats.OnSenderReport(report, clock.SteadyNow());
    }
    const auto header = ParsePacket(packet);
    if (!header.ok()) continue;
    CHECK(header->payload_offset + header->payload_size <= packet.size());
    stats.OnPacket(*header, clock.SteadyNow());
    window.Insert(header->sequence, Bytes::Copy(packet), clock.SteadyNow());
    ++inserted;
    CHECK(window.held() <= options.packets_max);
  }
  window.Flush();
  CHECK(delivered <= inserted);
  stats.TakeReport(clock.SteadyNow());
  return 0;
}
