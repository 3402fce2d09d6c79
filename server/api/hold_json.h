#pragma once

#include "base/json.h"
#include "store/hold.h"

namespace penstock::server {

Json HoldToJson(const store::Hold& hold);  // list_holds.cc

}  // namespace penstock::server
