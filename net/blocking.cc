#include "net/blocking.h"

#include <atomic>
#include <cstring>

#include <netdb.h>

#include "base/limits.h"
#include "base/page_cache.h"

namespace penstock::net {
namespace {

using Addresses = Result<std::vector<SocketAddress>>;

// Made when first needed, joined when the program ends.
ThreadPool& ResolverPool() {
  static ThreadPool pool(limits::kResolverThreads, "net-resolve");
  return pool;
}
ThreadPool& FileReadPool() {
  static ThreadPool pool(limits::kFileReadThreads, "net-file");
  return pool;
}

Addresses LookUp(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) return Error(ErrorCode::kNotFound, host + ": " + gai_strerror(error));
  std::vector<SocketAddress> out;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    address.size = one->ai_addrlen;
    address.set_port(port);
    out.push_back(address);
  }
  freeaddrinfo(found);
  if (out.empty()) return Error(ErrorCode::kNotFound, host + ": has no address");
  return out;
}

// Three may end a lookup: its thread, the clock, the token. The first does. The others then touch
// neither the awaiter nor its loop, which may be gone.
class Race {
 public:
  // The winner's, once.
  void Finish(Addresses result) {
    if (!finished_.exchange(true)) result_.Set(std::move(result));
  }
  bool finished() const { return finished_; }
  const Oneshot<Addresses>& result() const { return result_; }

 private:
  std::atomic<bool> finished_{false};
  Oneshot<Addresses> result_;
};

}  // namespace

Task<Addresses> Resolve(std::string host, uint16_t port, SteadyTime deadline, CancelToken token) {
  if (const auto numeric = ParseAddress(host, port)) {
    std::vector<SocketAddress> out(1, *numeric);
    co_return out;
  }
  Executor* const loop = Executor::Current();
  CHECK(loop != nullptr);
  auto race = std::make_shared<Race>();
  const Executor::TimerId timer = loop->StartTimer(deadline, [race, host] {
    race->Finish(Error(ErrorCode::kTimeout, host + ": the name was not resolved in time"));
  });
  const auto registration =
      token.OnCancel([race] { race->Finish(Error(ErrorCode::kCancelled, "cancelled")); });
  ResolverPool().Post([race, host, port] {
    if (!race->finished()) race->Finish(LookUp(host, port));
  });
  Addresses result = co_await race->result();
  loop->StopTimer(timer);
  co_return result;
}

Task<void> FaultIn(FileSlice range) {
  if (range.size == 0 || IsResident(range)) co_return;
  auto read = [range] { BringIn(range); };
  co_await RunBlocking(FileReadPool(), std::move(read));
}

}  // namespace penstock::net
