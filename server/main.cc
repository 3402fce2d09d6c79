#include "server/cli/command.h"

int main(int argc, char** argv) {
  return penstock::server::RunCommandLine({argv + 1, argv + argc});
}
