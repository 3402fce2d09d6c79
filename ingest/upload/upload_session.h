// One PutMedia connection: its body becomes fragments and acks.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "ingest/upload/uploads.h"

namespace penstock::ingest {

// What a producer is told. How it is written is the wire's business.
struct UploadAck {
  enum class Kind { kBuffering, kReceived, kPersisted, kIdle, kError };
  Kind kind = Kind::kIdle;
  std::optional<uint64_t> timecode;  // as the producer wrote it
  std::optional<FragmentNumber> number;
  fragmenter::UploadFault fault = fragmenter::UploadFault::kInternal;  // of kError
};

// How the body came to its end.
enum class UploadEnd {
  kWhole,    // in order
  kIdle,     // nothing came for too long
  kLate,     // the connection is too old: kConnectionTime
  kStopped,  // the server ends: what is complete is acked, the rest will be sent again
  kBroken,   // what came cannot be understood: kReadFailed
  kCut,      // in the middle: what was not complete is thrown away, and nobody reads acks
};

// Lives on its connection's loop. A fragment is acked as persisted when its append has completed
// and never in a stream that keeps nothing; acks of fragments come in their order, an error after
// those of what was complete before it. Waits while too much is waiting: the producer then feels
// it.
//
// A fragment that was stored before, as a producer sends again what it has no ack of, is not stored
// twice: one of the same producer time and the same bytes is acked with the number that it has.
class UploadSession : public std::enable_shared_from_this<UploadSession> {
 public:
  struct Start {
    std::shared_ptr<Uploads::Seat> seat;
    int64_t base_ns = 0;  // what timecodes count from, nanoseconds since 1970
    // Called until Finish completes.
    std::function<void(const UploadAck&)> on_ack;
    std::function<void()> on_over;  // an error: nothing more is to be read
  };
  UploadSession(Uploads& uploads, Start start);
  ~UploadSession();

  // False: it is over, and nothing more is wanted. One call at a time.
  Task<bool> Feed(Bytes piece);
  // No Feed may be under way. Completes when all acks are out.
  Task<void> Finish(UploadEnd end);

 private:
  // The fragment that is coming.
  struct Coming {
    uint64_t timecode = 0;
    ProducerTime producer_time;
    store::Slot slot;
    std::vector<store::ItemRef> alike;  // stored ones that began at the same time
    SteadyTime since;
    uint64_t id = 0;  // with the stream
  };
  // One that is complete and whose last ack is due.
  struct Waiting {
    uint64_t timecode = 0;
    FragmentNumber number;
    bool done = false;
    bool persisted = false;  // to be told
    std::optional<fragmenter::UploadFault> fault;
    SteadyTime since;
  };

  Task<bool> Handle(fragmenter::UploadEvent event);
  Task<bool> Begin(fragmenter::UploadBegins begins);
  void Announce(std::shared_ptr<const fragmenter::UploadHeader> header);
  Task<bool> Complete(fragmenter::UploadFragment fragment);
  // Ends the fragment under way, and the upload; for others that bring the same.
  std::function<void()> GiveUp();
  Task<std::vector<store::ItemRef>> FindAlike(ProducerTime producer_time);
  Task<std::optional<store::ItemRef>> FindRepeated(std::vector<store::ItemRef> alike,
                                                   ByteChain body);
  bool AckRepeated(std::shared_ptr<Waiting> waiting, const FragmentNumber& number);
  Task<bool> TakeSlot();
  Task<bool> TakeRoom();
  static Task<void> RunAppend(std::shared_ptr<UploadSession> self, store::NewItem item,
                              std::shared_ptr<Waiting> waiting,
                              std::shared_ptr<Uploads::Seat> seat);
  void Settle();
  Task<void> WaitUntilWaiting(size_t at_most);
  // The fragment under way is no more: complete, given up, or wrong.
  void DropComing();
  void Fail(fragmenter::UploadFault fault, std::string message);
  void Ack(UploadAck::Kind kind, uint64_t timecode, const FragmentNumber& number);
  uint32_t RetentionHours() const;
  UploadStream& stream() const { return start_.seat->stream(); }

  Uploads& uploads_;
  Start start_;
  fragmenter::UploadParser parser_;
  std::shared_ptr<const fragmenter::UploadHeader> announced_;
  std::optional<Coming> coming_;
  std::optional<uint64_t> last_timecode_;
  bool alike_possible_ = true;  // until a fragment was none of those that are stored
  std::deque<std::shared_ptr<Waiting>> waiting_;
  std::optional<Oneshot<Unit>> settled_;
  size_t room_ = 0;  // taken for the fragment that is coming
  std::optional<UploadAck> last_words_;
  bool over_ = false;
  bool deaf_ = false;  // nobody is told any more
};

}  // namespace penstock::ingest
