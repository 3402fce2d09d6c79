#include <gst/gst.h>

#include "samples/synthetic_camera/camera.h"
#include "samples/synthetic_camera/options.h"

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto options = synthetic_camera::ParseOptions(argc, argv, exit_code);
  if (!options.has_value()) return exit_code;
  gst_init(nullptr, nullptr);
  return synthetic_camera::ServeCamera(*options);
}
