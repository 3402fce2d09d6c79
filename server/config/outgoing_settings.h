// The settings of requests that we send to others: a part of the table in settings.h.
#pragma once

#include <vector>

#include "server/config/settings.h"

namespace penstock::server {

std::vector<Setting> OutgoingSettings();

}  // namespace penstock::server
