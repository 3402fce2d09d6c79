// Holds of the model run: made, refused, released, and listed.
#include <fmt/format.h>

#include "tests/model/model_run.h"
#include "tests/model/model_stream.h"

namespace penstock::testing {
namespace {

using std::chrono::milliseconds;

constexpr size_t kHoldsMax = 4;

}  // namespace

Task<void> ModelRun::ChangeHolds(Stream& stream) {
  if (stream.holds.size() == kHoldsMax || (!stream.holds.empty() && prng_.OneIn(3))) {
    co_await ReleaseHold(stream);
  } else {
    co_await AddHold(stream);
  }
  CompareHolds();
}

Task<void> ModelRun::AddHold(Stream& stream) {
  if (stream.model.size() == 0) co_return;
  stream.model.RetentionPassed(clock_.Now());
  const ServerTime near = stream.model.at(prng_.Below(stream.model.size())).header.server_time;
  const ServerTime start = near + milliseconds(prng_.Below(4000)) - milliseconds(2000);
  const ServerTime end = start + milliseconds(1 + prng_.Below(prng_.OneIn(4) ? 3'600'000 : 9000));
  store::NewHold wanted{stream.info.name, start, end, fmt::format("hold {}", prng_.Next())};
  const ShardModel::Held held = stream.model.Hold(start, end);
  const auto hold = co_await store_->AddHold(std::move(wanted));
  if (hold.ok()) {
    if (hold->start != start || hold->end != end) Broken("a hold has other times");
    if (end <= clock_.Now() && !stream.model.AnyVisible(held)) Broken("a hold of nothing is made");
    stream.holds.emplace(hold->id, *hold);
    stream.model.Made(hold->id, held);
    co_return;
  }
  const ErrorCode code = hold.error().code();
  if (code != ErrorCode::kTrimmed && code != ErrorCode::kNotFound)
    Broken("cannot hold: " + hold.error().ToString());
  if (end > clock_.Now()) Broken("what is to come cannot be held: " + hold.error().ToString());
  if (stream.model.AnyBegins(held))
    Broken("what is there cannot be held: " + hold.error().ToString());
}

Task<void> ModelRun::ReleaseHold(Stream& stream) {
  if (stream.holds.empty()) co_return;
  const auto chosen =
      std::next(stream.holds.begin(), static_cast<ptrdiff_t>(prng_.Below(stream.holds.size())));
  const std::string id = chosen->first;
  stream.holds.erase(chosen);
  stream.model.RetentionPassed(clock_.Now());
  const auto released = co_await store_->ReleaseHold(id);
  if (!released.ok()) Broken("cannot release: " + released.error().ToString());
  stream.model.Released(id);
}

void ModelRun::CompareHolds() {
  size_t expected = 0;
  for (const auto& stream : streams_) {
    const auto listed = store_->ListHolds(stream->info.name);
    expected += stream->holds.size();
    if (listed.size() != stream->holds.size()) Broken("another number of holds");
    for (const store::Hold& hold : listed) {
      const auto known = stream->holds.find(hold.id);
      if (known == stream->holds.end() || known->second.start != hold.start ||
          known->second.end != hold.end || known->second.note != hold.note)
        Broken(fmt::format("hold {} is another", hold.id));
    }
  }
  if (store_->ListHolds(std::nullopt).size() != expected) Broken("holds of no stream");
}

}  // namespace penstock::testing
