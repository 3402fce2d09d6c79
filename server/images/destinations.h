// The places that images may go to.
#pragma once

#include <filesystem>

#include "base/executor.h"
#include "server/images/image_destination.h"

namespace penstock::server::images {

// file:///folder/prefix below `root`, written on `pool`, which outlives what is opened. Buckets
// (s3://bucket/prefix) are kUnsupported.
OpenDestination OpenPlaces(std::filesystem::path root, ThreadPool& pool);

// Whether a configuration may name this place; the error says in words for people why not. A bucket
// may be named, though nothing is delivered there yet.
Status CheckPlace(std::string_view uri, const std::filesystem::path& root);

}  // namespace penstock::server::images
