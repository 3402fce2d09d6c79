#include "ingest/upload/upload_session.h"

#include <algorithm>

#include "base/limits.h"
#include "base/log.h"
#include "base/upload_limits.h"
#include "ingest/metrics.h"
#include "ingest/upload/upload_metrics.h"

namespace penstock::ingest {
namespace {

using fragmenter::UploadError;
using fragmenter::UploadFault;

// Stored fragments of one producer time that are compared with one that comes.
constexpr size_t kAlikeMax = 8;
// How long a slot may be refused because too much waits, and how often it is asked for.
constexpr std::chrono::milliseconds kSlotPause{50};
constexpr int kSlotTries = 200;

UploadFault FaultOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kClosed:
    case ErrorCode::kNotFound:
      return UploadFault::kStreamGone;
    case ErrorCode::kTooLarge:
      return UploadFault::kFragmentBytes;
    case ErrorCode::kInternal:
    case ErrorCode::kInvalidArgument:
      return UploadFault::kInternal;
    default:
      return UploadFault::kNotStored;
  }
}

// Nobody sees it in its place; refused for want of room it is a gap that says so.
bool IsSeen(ErrorCode code) { return code == ErrorCode::kFull || code == ErrorCode::kUnavailable; }

bool SameBytes(const ByteChain& a, const ByteChain& b) {
  if (a.size() != b.size()) return false;
  auto other = b.pieces().begin();
  size_t at = 0;  // in *other
  for (const Bytes& piece : a.pieces()) {
    for (size_t done = 0; done < piece.size();) {
      const size_t now = std::min(piece.size() - done, other->size() - at);
      if (AsText(piece.span().subspan(done, now)) != AsText(other->span().subspan(at, now)))
        return false;
      done += now;
      at += now;
      if (at < other->size()) continue;
      ++other;
      at = 0;
    }
  }
  return true;
}

}  // namespace

UploadSession::UploadSession(Uploads& uploads, Start start)
    : uploads_(uploads), start_(std::move(start)), parser_(uploads.options().limits) {}

UploadSession::~UploadSession() {
  DropComing();
  uploads_.room().Give(room_);
}

uint32_t UploadSession::RetentionHours() const {
  const auto info = uploads_.store().GetStream(stream().name());
  return info && info->shard == stream().shard().id() ? info->retention_hours : 0;
}

void UploadSession::Ack(UploadAck::Kind kind, uint64_t timecode, const FragmentNumber& number) {
  if (deaf_) return;
  UploadAck ack;
  ack.kind = kind;
  ack.timecode = timecode;
  ack.number = number;
  start_.on_ack(ack);
}

void UploadSession::DropComing() {
  if (!coming_) return;
  stream().EndComing(coming_->id);
  coming_.reset();
}

// Told when everything before it has been: Settle.
void UploadSession::Fail(UploadFault fault, std::string message) {
  if (over_) return;
  over_ = true;
  log::Write(log::kInfo, "upload refused",
             {{"stream", stream().name().text()}, {"error", message}});
  UploadAck ack;
  ack.kind = UploadAck::Kind::kError;
  ack.fault = fault;
  if (coming_) {
    ack.timecode = coming_->timecode;
    if (coming_->slot.open()) ack.number = coming_->slot.number();
  } else {
    ack.timecode = parser_.open_timecode();
  }
  DropComing();
  last_words_ = std::move(ack);
  const bool told = !deaf_;
  Settle();
  if (told) start_.on_over();
}

Task<bool> UploadSession::Feed(Bytes piece) {
  if (over_) co_return false;
  IngestMetrics::Get().received_bytes.Add(piece.size());
  stream().view().NoteBytes(piece.size(), uploads_.clock().SteadyNow());
  std::vector<fragmenter::UploadEvent> events;
  const std::optional<UploadError> error = parser_.Feed(piece, events);
  for (fragmenter::UploadEvent& event : events) {
    if (!co_await Handle(std::move(event))) co_return false;
  }
  if (error) Fail(error->fault, error->message);
  if (over_) co_return false;
  const SteadyTime now = uploads_.clock().SteadyNow();
  if (coming_ && now - coming_->since > limits::kUploadFragmentTime)
    Fail(UploadFault::kFragmentTime, "a fragment took too long to come");
  co_return co_await TakeRoom();
}

// For what came of the fragment under way.
Task<bool> UploadSession::TakeRoom() {
  const size_t wanted = parser_.open_bytes();
  if (wanted <= room_) co_return !over_;
  const SteadyTime begin = uploads_.clock().SteadyNow();
  while (!uploads_.room().TryTake(wanted - room_)) {
    const auto waited = uploads_.clock().SteadyNow() - begin;
    if (over_) co_return false;
    if (waited >= uploads_.options().room_time) {
      Fail(UploadFault::kInternal, "there is no memory for more of this fragment");
      co_return false;
    }
    co_await uploads_.room().Wait(uploads_.options().room_time);
  }
  room_ = wanted;
  co_return !over_;
}

Task<bool> UploadSession::Handle(fragmenter::UploadEvent event) {
  if (auto* begins = std::get_if<fragmenter::UploadBegins>(&event))
    return Begin(std::move(*begins));
  return Complete(std::move(std::get<fragmenter::UploadFragment>(event)));
}

std::function<void()> UploadSession::GiveUp() {
  return [weak = weak_from_this(), timecode = coming_->timecode] {
    const auto self = weak.lock();
    if (self && self->coming_ && self->coming_->timecode == timecode)
      self->Fail(UploadFault::kReadFailed, "another connection sends this fragment from its begin");
  };
}

void UploadSession::Announce(std::shared_ptr<const fragmenter::UploadHeader> header) {
  if (header == announced_) return;
  announced_ = std::move(header);
  stream().view().Announce(*announced_);
}

Task<bool> UploadSession::Begin(fragmenter::UploadBegins begins) {
  Announce(begins.header);
  coming_.emplace();
  coming_->timecode = begins.timecode;
  coming_->since = uploads_.clock().SteadyNow();
  if (last_timecode_ && begins.timecode <= *last_timecode_) {
    Fail(UploadFault::kTimecode, "a fragment does not begin behind the one before");
    co_return false;
  }
  last_timecode_ = begins.timecode;
  const int64_t begin_ns =
      start_.base_ns + static_cast<int64_t>(begins.timecode) * announced_->scale_ns;
  // To the millisecond, as it is told everywhere.
  coming_->producer_time = ProducerTimeFromUs((begin_ns + 500'000) / 1'000'000 * 1000);
  co_await stream().GiveUpOthers(coming_->producer_time);
  if (over_) co_return false;
  coming_->id = stream().Begin({coming_->producer_time, Executor::Current(), GiveUp()});
  co_await WaitUntilWaiting(limits::kPendingFragmentsPerStreamMax - 1);
  if (over_) co_return false;
  std::vector<store::ItemRef> alike = co_await FindAlike(coming_->producer_time);
  if (over_) co_return false;
  coming_->alike = std::move(alike);
  if (!coming_->alike.empty()) {
    Ack(UploadAck::Kind::kBuffering, begins.timecode, coming_->alike.back().header.number);
    co_return true;
  }
  if (!co_await TakeSlot()) co_return false;
  Ack(UploadAck::Kind::kBuffering, begins.timecode, coming_->slot.number());
  co_return true;
}

// What is stored, or about to be, of the same producer time.
Task<std::vector<store::ItemRef>> UploadSession::FindAlike(ProducerTime producer_time) {
  std::vector<store::ItemRef> alike;
  if (RetentionHours() == 0) co_return alike;
  if (!alike_possible_ && !stream().MayBeRepeated(producer_time)) co_return alike;
  co_await stream().WaitForAppends(producer_time);
  store::TimeRange range = store::ProducerTimeRange{producer_time, producer_time};
  auto found = co_await stream().shard().FindStarted(std::move(range), std::nullopt, kAlikeMax);
  // Found or not: what cannot be looked up is stored.
  if (found.ok()) alike = std::move(*found);
  std::erase_if(alike, [](const store::ItemRef& item) {
    return item.header.kind != store::ItemKind::kFragment;
  });
  alike_possible_ = !alike.empty();
  co_return alike;
}

Task<bool> UploadSession::TakeSlot() {
  for (int tries = 0; !over_; ++tries) {
    Result<store::Slot> opened = stream().shard().OpenSlot();
    if (opened.ok()) {
      coming_->slot = std::move(*opened);
      co_return true;
    }
    const ErrorCode code = opened.error().code();
    if (code != ErrorCode::kThrottled || tries == kSlotTries) {
      stream().view().NoteRefused(opened.error());
      Fail(FaultOf(code), opened.error().message());
      co_return false;
    }
    (void)co_await Sleep(kSlotPause);  // nothing cancels it
  }
  co_return false;
}

Task<std::optional<store::ItemRef>> UploadSession::FindRepeated(std::vector<store::ItemRef> alike,
                                                                ByteChain body) {
  for (const store::ItemRef& item : alike) {
    if (item.header.body_bytes != body.size()) continue;
    const auto stored = co_await stream().shard().Open(item, store::BodyForm::kMemory);
    if (!stored.ok()) continue;
    const auto* const bytes = std::get_if<ByteChain>(&stored->body);
    if (bytes != nullptr && SameBytes(*bytes, body)) co_return item;
  }
  co_return std::nullopt;
}

bool UploadSession::AckRepeated(std::shared_ptr<Waiting> waiting, const FragmentNumber& number) {
  UploadMetrics::Get().repeated.Add();
  uploads_.room().Give(std::exchange(room_, 0));
  DropComing();
  Ack(UploadAck::Kind::kReceived, waiting->timecode, number);
  waiting->number = number;
  waiting->done = true;
  waiting->persisted = true;
  waiting_.push_back(std::move(waiting));
  Settle();
  return !over_;
}

Task<bool> UploadSession::Complete(fragmenter::UploadFragment fragment) {
  CHECK(coming_.has_value());
  auto waiting = std::make_shared<Waiting>();
  waiting->timecode = coming_->timecode;
  waiting->since = uploads_.clock().SteadyNow();
  if (!coming_->alike.empty()) {
    const std::optional<store::ItemRef> same = co_await FindRepeated(coming_->alike, fragment.body);
    if (over_) co_return false;
    if (same) co_return AckRepeated(std::move(waiting), same->header.number);
    if (!co_await TakeSlot()) co_return false;
  }
  // Its pictures may have said what they are.
  Announce(fragment.header);
  stream().view().NoteFragment(fragment);
  // Its bytes are in memory already, until the append has ended.
  const size_t bytes = fragment.body.size();
  if (bytes > room_) uploads_.room().Take(bytes - room_);
  if (bytes < room_) uploads_.room().Give(room_ - bytes);
  room_ = 0;
  waiting->number = coming_->slot.number();
  waiting->persisted = RetentionHours() > 0;
  const ProducerTime producer_time = coming_->producer_time;
  store::NewItem item = stream().MakeItem(std::move(fragment), start_.base_ns, producer_time,
                                          std::move(coming_->slot));
  DropComing();
  Ack(UploadAck::Kind::kReceived, waiting->timecode, waiting->number);
  waiting_.push_back(waiting);
  stream().view().NoteWaiting(1);
  Detach(RunAppend(shared_from_this(), std::move(item), std::move(waiting), start_.seat));
  co_return !over_;
}

Task<void> UploadSession::RunAppend(std::shared_ptr<UploadSession> self, store::NewItem item,
                                    std::shared_ptr<Waiting> waiting,
                                    std::shared_ptr<Uploads::Seat> seat) {
  UploadStream& stream = seat->stream();
  const size_t bytes = item.body.size();
  const ProducerTime producer_time = item.producer_time;
  const store::RunId run = item.run != 0 ? item.run : item.slot.number().index;
  const Result<store::ItemHeader> stored = co_await stream.shard().Append(std::move(item));
  self->uploads_.room().Give(bytes);
  stream.EndAppend(producer_time, run, stored.ok() || IsSeen(stored.error().code()));
  stream.view().NoteWaiting(-1);
  if (stored.ok()) {
    IngestMetrics::Get().fragments_stored.Add();
    UploadMetrics::Get().persisted.Record(
        std::chrono::duration<double>(self->uploads_.clock().SteadyNow() - waiting->since).count());
    stream.view().NoteStored();
  } else {
    IngestMetrics::Get().CountDropped(DropReason::kRefused);
    log::Write(log::kWarning, "fragment not stored",
               {{"stream", stream.name().text()}, {"error", stored.error().ToString()}});
    stream.view().NoteRefused(stored.error());
    waiting->fault = FaultOf(stored.error().code());
  }
  waiting->done = true;
  self->Settle();
}

// Gives the acks that are due, in order.
void UploadSession::Settle() {
  while (!waiting_.empty() && waiting_.front()->done) {
    const std::shared_ptr<Waiting> first = std::move(waiting_.front());
    waiting_.pop_front();
    if (first->fault) {
      over_ = true;
      UploadAck ack;
      ack.kind = UploadAck::Kind::kError;
      ack.timecode = first->timecode;
      ack.number = first->number;
      ack.fault = *first->fault;
      const bool told = !deaf_;
      if (told) start_.on_ack(ack);
      // What comes after it was sent for nothing, and its acks would be behind the last word.
      last_words_.reset();
      deaf_ = true;
      DropComing();
      if (told) start_.on_over();
    } else if (first->persisted) {
      Ack(UploadAck::Kind::kPersisted, first->timecode, first->number);
    }
  }
  if (waiting_.empty() && last_words_) {
    if (!deaf_) start_.on_ack(*last_words_);
    last_words_.reset();
    deaf_ = true;
  }
  if (settled_) std::exchange(settled_, std::nullopt)->Set(Unit());
}

Task<void> UploadSession::WaitUntilWaiting(size_t at_most) {
  while (waiting_.size() > at_most) {
    settled_.emplace();
    const Oneshot<Unit> settled = *settled_;
    co_await settled;
  }
}

Task<void> UploadSession::Finish(UploadEnd end) {
  if (end == UploadEnd::kCut) {
    over_ = true;
    deaf_ = true;
    last_words_.reset();
    DropComing();
    co_return;
  }
  const bool whole =
      end == UploadEnd::kWhole || (end == UploadEnd::kIdle && parser_.between_elements());
  if (!over_ && whole) {
    std::vector<fragmenter::UploadEvent> events;
    const std::optional<UploadError> error = parser_.Finish(events);
    for (fragmenter::UploadEvent& event : events) {
      if (!co_await Handle(std::move(event))) break;
    }
    if (error) Fail(error->fault, error->message);
  }
  if (end == UploadEnd::kBroken || (end == UploadEnd::kIdle && !whole && coming_))
    Fail(UploadFault::kReadFailed, "the body cannot be read to its end");
  if (end == UploadEnd::kLate)
    Fail(UploadFault::kConnectionTime, "the connection has lasted for as long as one may");
  if (end == UploadEnd::kWhole && !over_) start_.seat->SetReason(store::GapReason::kSourceRemoved);
  over_ = true;
  DropComing();
  co_await WaitUntilWaiting(0);
  deaf_ = true;
}

}  // namespace penstock::ingest
