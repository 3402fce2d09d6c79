// One command of the program, and what commands share.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "server/cli/args.h"
#include "server/config/units.h"

namespace penstock::server {

// Exit codes: 0 done, 1 it failed, 2 the command line is wrong, 3 no server is running.
enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2, kNoServer = 3 };

struct Command {
  std::string_view name;      // "source add"
  std::string_view operands;  // "<name> <rtsp-url>"
  std::string_view summary;   // one line
  std::string_view help;      // paragraphs, flags and examples
  ArgSpec spec;               // --data, --json and --help are added for every command
  int (*run)(const Args& args);
  bool asks_server = true;  // --server and --ca are added, too
};

const std::vector<Command>& Commands();

// main() without the process: `words` without the program's name.
int RunCommandLine(const std::vector<std::string>& words);

// What commands share.

// --data, or PENSTOCK_DATA, or the first of ./penstock-data and /var/lib/penstock where a server
// runs.
std::filesystem::path DataFolder(const Args& args);
// Prints "penstock: <words>" to standard error; the exit code that belongs to the error.
int Fail(const Error& error);
// With --json the JSON, else the text.
int Print(const Args& args, const Json& json, const std::string& text);
// RFC 3339, epoch milliseconds, "now", or "-10m": that long ago. The result is what the API takes.
Result<std::string> TimeForQuery(std::string_view text, ServerTime now);
// "?start=…&end=…" from --start and --end; empty if neither is given.
Result<std::string> RangeQuery(const Args& args);

// Each group of commands is a file.
int RunServe(const Args& args);
int RunSourceAdd(const Args& args);
int RunSourceList(const Args& args);
int RunSourceRemove(const Args& args);
int RunSourceStatus(const Args& args);
int RunStreamList(const Args& args);
int RunStreamCreate(const Args& args);
int RunStreamDelete(const Args& args);
int RunStreamRetention(const Args& args);
int RunStreamCoverage(const Args& args);
int RunHoldAdd(const Args& args);
int RunHoldList(const Args& args);
int RunHoldRelease(const Args& args);
int RunFragments(const Args& args);
int RunExport(const Args& args);
int RunKeyCreate(const Args& args);
int RunKeyList(const Args& args);
int RunKeyRevoke(const Args& args);
int RunTokenCreate(const Args& args);
int RunCertCreate(const Args& args);
int RunCertShow(const Args& args);
int RunStoreCheck(const Args& args);
int RunStoreStats(const Args& args);
int RunConfigCheck(const Args& args);
int RunConfigReference(const Args& args);
int RunVersion(const Args& args);

}  // namespace penstock::server
