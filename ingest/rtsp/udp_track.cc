#include "ingest/rtsp/udp_track.h"

#include <algorithm>
#include <cstring>

#include "base/byte_io.h"
#include "base/limits.h"
#include "ingest/rtp/rtcp.h"

namespace penstock::ingest::rtsp {
namespace {

constexpr size_t kDatagramBytesMax = 65'507;
// More than a receive buffer holds: whoever sends on does not keep the session from its end.
constexpr size_t kDrainedMax = 4096;

// Hands out copies that share allocations.
class SlabCopier {
 public:
  Bytes Copy(ByteSpan bytes) {
    if (capacity_ - used_ < bytes.size()) {
      capacity_ = std::max(limits::kReceiveSlabBytes, bytes.size());
      slab_ = std::make_shared_for_overwrite<uint8_t[]>(capacity_);
      used_ = 0;
    }
    uint8_t* const at = slab_.get() + used_;
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    used_ += bytes.size();
    return Bytes(std::shared_ptr<const void>(slab_, slab_.get()), ByteSpan(at, bytes.size()));
  }

 private:
  std::shared_ptr<uint8_t[]> slab_;
  size_t capacity_ = 0;
  size_t used_ = 0;
};

}  // namespace

void UdpTrack::Start(TaskGroup& tasks, std::string peer, std::string source,
                     OnDatagram on_datagram) {
  peer_ = std::move(peer);
  source_ = std::move(source);
  on_datagram_ = std::move(on_datagram);
  tasks.Spawn(Receive(*rtp_, false));
  tasks.Spawn(Receive(*rtcp_, true));
}

Task<void> UdpTrack::Receive(net::UdpSocket& socket, bool rtcp) {
  // Only the pages that datagrams really fill become resident.
  const auto buffer = std::make_unique_for_overwrite<uint8_t[]>(kDatagramBytesMax);
  const std::span<uint8_t> room(buffer.get(), kDatagramBytesMax);
  SlabCopier slabs;
  for (;;) {
    auto datagram = co_await socket.Receive(room);
    // A socket reports refusals of what we sent (ICMP); only its end ends us.
    if (!datagram.ok() && datagram.error().code() == ErrorCode::kCancelled) co_return;
    for (; datagram.ok(); datagram = socket.TryReceive(room)) {
      if (Knows(datagram->from.address)) {
        on_datagram_(slabs.Copy(room.first(datagram->bytes)), rtcp);
      } else {
        ++strangers_;
      }
    }
  }
}

bool UdpTrack::Knows(const std::string& from) const {
  return from == peer_ || (!source_.empty() && from == source_);
}

void UdpTrack::Drain() {
  if (!on_datagram_) return;
  const auto buffer = std::make_unique_for_overwrite<uint8_t[]>(kDatagramBytesMax);
  const std::span<uint8_t> room(buffer.get(), kDatagramBytesMax);
  for (net::UdpSocket* const socket : {rtp_.get(), rtcp_.get()}) {
    for (size_t i = 0; i < kDrainedMax; ++i) {
      const auto datagram = socket->TryReceive(room);
      if (!datagram.ok()) break;
      if (!Knows(datagram->from.address)) continue;
      on_datagram_(Bytes::Copy(room.first(datagram->bytes)), socket == rtcp_.get());
    }
  }
}

void UdpTrack::PunchHole(uint32_t own_ssrc) {
  if (!server_ports_) return;
  // Lost punches are made up for by the camera's own packets, where there is no router in between.
  ByteWriter packet;
  packet.BeN(0x8000'0000'0000'0000, 8);
  packet.Be(own_ssrc);
  (void)rtp_->Send(packet.span(), net::Endpoint{peer_, server_ports_->first});
  SendRtcp(rtp::MakeReceiverReport(own_ssrc, {}, "penstock"));
}

void UdpTrack::SendRtcp(ByteSpan report) {
  if (!server_ports_) return;
  // Best effort: the next report says the same and more.
  (void)rtcp_->Send(report, net::Endpoint{peer_, server_ports_->second});
}

void UdpTrack::Close() {
  rtp_->Close();
  rtcp_->Close();
}

}  // namespace penstock::ingest::rtsp
