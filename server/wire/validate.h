// Holds an input against its shape.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "server/wire/shape.h"

namespace penstock::server::wire {

// kProtocol if a value is of another kind than its shape says: nothing else is looked at then.
// kInvalidArgument if values break their rules; the message names up to ten, in the order of the
// table, in the services' own words ("2 validation errors detected: Value 'x' at 'path' failed to
// satisfy constraint: …"). Members without a shape are ignored; null counts as absent.
Status Validate(const Shape& shape, const Json& input);

// A valid input without the members of its structures that no shape names: what may be kept of it,
// bounded by what the shape allows.
Json KnownPart(const Shape& shape, const Json& input);

// The UTF-16 code units of a UTF-8 text.
int64_t TextLength(std::string_view utf8);

}  // namespace penstock::server::wire
