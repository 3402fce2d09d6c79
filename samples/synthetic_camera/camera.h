// The camera itself: an RTSP server with one shared stream.
#pragma once

#include "samples/synthetic_camera/options.h"

namespace synthetic_camera {

// Serves until a signal or the time given; prints the URL once it can be played. Returns the exit
// code.
int ServeCamera(const Options& options);

}  // namespace synthetic_camera
