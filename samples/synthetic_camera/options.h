// What the synthetic camera is told on its command line.
#pragma once

#include <optional>
#include <string>

namespace synthetic_camera {

struct Options {
  std::string address = "127.0.0.1";
  int port = 8556;
  std::string path = "/camera";
  std::string user;  // empty: no password asked
  std::string password;
  std::string tls_certificate;    // a PEM file; empty: no TLS
  std::string tls_key;            // the same
  std::string transport = "any";  // any, tcp, udp
  std::string video = "h264";     // h264, h265, vp8, jpeg, none
  std::string audio = "aac";      // aac, latm, pcma, none
  int width = 1280;
  int height = 720;
  int frames_per_second = 25;
  int kilobits_per_second = 2000;
  int group_frames = 25;
  int b_frames = 0;
  int resize_after_seconds =
      0;                // 0: never; otherwise to half the size, once per start of the media
  int run_seconds = 0;  // 0: until a signal
};

// Prints what is wrong, or the help, and returns nothing; exit_code says which it was.
std::optional<Options> ParseOptions(int argc, char** argv, int& exit_code);

}  // namespace synthetic_camera
