// The places that images may go to.
#pragma once

#include <filesystem>

#include "base/executor.h"
#include "server/images/image_destination.h"
#include "server/outgoing/bucket.h"

namespace penstock::server::images {

// file:///folder/prefix below `root`, written on `pool`; s3://bucket/prefix by `buckets`, and
// kUnsupported if that is null. Pool and buckets outlive what is opened.
OpenDestination OpenPlaces(std::filesystem::path root, ThreadPool& pool, Buckets* buckets);

// Whether a configuration may name this place; the error says in words for people why not. A bucket
// may be named where nothing can be delivered to it.
Status CheckPlace(std::string_view uri, const std::filesystem::path& root);

}  // namespace penstock::server::images
