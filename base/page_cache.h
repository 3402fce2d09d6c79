// Ranges of files in the kernel's page cache.
#pragma once

#include "base/file_slice.h"

namespace penstock {

// Whether all of it was there a moment ago. Asks the kernel once (cachestat(2), Linux 6.5), or
// where that is not to be had a sample of its pages.
bool IsResident(const FileSlice& range);

// Reads what is not there, in folios as large as the file system makes: sendfile costs by the
// folio. Blocks. An error ends it silently; whoever uses the range then meets it, too.
void BringIn(const FileSlice& range);

}  // namespace penstock
