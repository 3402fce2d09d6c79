#include "server/operations/video/media_sender.h"

#include "base/log.h"
#include "base/metrics.h"
#include "server/operations/video/media_document.h"

namespace penstock::server::aws::video {
namespace {

bool IsGone(ErrorCode code) {
  return code == ErrorCode::kNotFound || code == ErrorCode::kTrimmed ||
         code == ErrorCode::kCorruption || code == ErrorCode::kIo;
}

void Count(uint64_t bytes) {
  static metrics::Counter& fragments =
      metrics::GetCounter("penstock_media_fragments_sent_total",
                          "Fragments sent by GetMedia and GetMediaForFragmentList", "");
  static metrics::Counter& total =
      metrics::GetCounter("penstock_media_bytes_sent_total",
                          "Bytes of clusters sent by GetMedia and GetMediaForFragmentList", "");
  fragments.Add();
  total.Add(bytes);
}

}  // namespace

Task<Result<Bytes>> MediaSender::HeaderFor(store::TrackSetId id) {
  if (header_of_ != id || header_.empty()) {
    PS_CO_TRY(const store::TrackSet set, co_await shard_->GetTrackSet(id));
    header_ = set.body;
    header_of_ = id;
  }
  co_return header_;
}

Task<Result<store::ItemBytes>> MediaSender::Read(store::ItemRef item) {
  PS_CO_TRY(header_, co_await HeaderFor(item.header.track_set));
  co_return co_await shard_->Open(item, store::BodyForm::kFileSlice);
}

Task<Result<bool>> MediaSender::Send(store::ItemRef item) {
  auto bytes = co_await Read(item);
  if (!bytes.ok()) {
    if (!IsGone(bytes.error().code())) co_return std::move(bytes).error();
    log::Write(log::kWarning, "fragment cannot be sent",
               {{"shard", shard_->id().ToString()},
                {"fragment", item.header.number.ToString()},
                {"error", bytes.error().ToString()}});
    co_return false;
  }
  ByteChain document(header_);
  document.Append(LeadTags(item.header));
  if (auto* slice = std::get_if<FileSlice>(&bytes->body)) {
    PS_CO_TRY_VOID(co_await out_->Write(std::move(document)));
    PS_CO_TRY_VOID(co_await out_->SendFile(std::move(*slice)));
    document = ByteChain();
  } else {
    document.Append(std::get<ByteChain>(bytes->body));
    // The chain has it now: what was sent of it is not held any longer than the rest.
    bytes->body = ByteChain();
  }
  if (clock_ != nullptr) document.Append(TailTags(item.header, clock_->Now()));
  PS_CO_TRY_VOID(co_await out_->Write(std::move(document)));
  Count(item.header.body_bytes);
  co_return true;
}

Task<Status> MediaSender::SendError(Bytes document) {
  ByteChain chain(std::move(document));
  co_return co_await out_->Write(std::move(chain));
}

}  // namespace penstock::server::aws::video
