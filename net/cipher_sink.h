// Where OpenSSL puts the records it makes: memory that goes on as Bytes, without a copy and without
// being kept. Internal to net/tls_*.
#pragma once

#include "base/bytes.h"

struct bio_st;  // OpenSSL's BIO

namespace penstock::net {

// Given to an SSL as what it writes to, which then owns it. Used by its connection's loop only.
bio_st* MakeCipherSink();

// Bytes that wait to be taken.
size_t PendingIn(bio_st* sink);
// Room for so many bytes to come, so that they are not moved while they gather.
void Reserve(bio_st* sink, size_t bytes);
// All that wait; the sink is empty then.
Bytes TakeFrom(bio_st* sink);

}  // namespace penstock::net
