// Every command with the words that teach it.
#include "server/cli/command.h"
#include "server/config/settings.h"

namespace penstock::server {
namespace {

// The flags of `serve` are the settings' own.
std::vector<std::string_view> ServeFlags() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out = {"--config"};
    for (const Setting& setting : Settings()) {
      if (setting.name != "data") out.push_back(setting.Flag());
    }
    return out;
  }();
  return {names.begin(), names.end()};
}

std::vector<Command> MakeCommands() {
  return {
      {"serve",
       "",
       "run the server",
       "Runs until it is told to stop (Ctrl-C or SIGTERM); a second Ctrl-C does not wait.\n"
       "The first start makes the data folder, a master key and an admin key, which is printed "
       "once.\n"
       "\n"
       "examples:\n"
       "  penstock serve\n"
       "  penstock serve --data /srv/video --http 127.0.0.1:8080 --retention 168h\n"
       "  penstock serve --config /etc/penstock.yaml\n",
       {ServeFlags(), {}, 0, 0},
       RunServe,
       false},
      {"source add",
       "<name> <rtsp-url>",
       "pull from a camera, from now on and after restarts",
       "The stream gets the source's name. What the camera says to it is shown by `penstock source "
       "status`.\n"
       "\n"
       "  --transport <t>  auto: TCP, and UDP if the camera refuses TCP (the default)\n"
       "                   tcp:  TCP only\n"
       "                   udp:  UDP, and TCP if that is refused or nothing comes for 5 s\n"
       "  --tls-fingerprint <sha256>  with rtsps://: accept the certificate that has this "
       "fingerprint,\n"
       "                   whoever signed it; `penstock source status` says what it is\n"
       "\n"
       "examples:\n"
       "  penstock source add door rtsp://viewer:secret@192.168.1.20/stream1\n"
       "  penstock source add yard rtsp://192.168.1.21/h264 --transport udp\n",
       {{"--transport", "--tls-fingerprint"}, {}, 2, 2},
       RunSourceAdd},
      {"source list",
       "",
       "the cameras that are pulled from",
       "Passwords are not shown. Sources of the configuration file cannot be removed here.\n",
       {{}, {}, 0, 0},
       RunSourceList},
      {"source remove",
       "<name>",
       "stop pulling from a camera; its media stays",
       "examples:\n  penstock source remove door\n",
       {{}, {}, 1, 1},
       RunSourceRemove},
      {"source status",
       "[<name>]",
       "how cameras and publishers are, and why",
       "Pulled cameras and pushed streams alike.\n"
       "\n"
       "examples:\n"
       "  penstock source status\n"
       "  penstock source status door --json\n",
       {{}, {}, 0, 1},
       RunSourceStatus},
      {"stream list",
       "",
       "streams, their state, and what is stored of them",
       "examples:\n  penstock stream list --json | jq '.streams[].name'\n",
       {{}, {}, 0, 0},
       RunStreamList},
      {"stream create",
       "<name>",
       "make a stream before anybody publishes it",
       "Publishing makes a stream, too; this is for another retention than the usual.\n"
       "\n"
       "  --retention <duration>  whole hours: 24h, 7d; 0 is live only\n"
       "\n"
       "examples:\n"
       "  penstock stream create door --retention 7d\n",
       {{"--retention"}, {}, 1, 1},
       RunStreamCreate},
      {"stream delete",
       "<name>",
       "delete a stream and everything stored of it",
       "There is no way back, so --yes is asked for. A stream with holds is not deleted: release "
       "them first (`penstock hold list door`).\n"
       "\n"
       "examples:\n"
       "  penstock stream delete door --yes\n",
       {{}, {"--yes"}, 1, 1},
       RunStreamDelete},
      {"stream retention",
       "<name> [<duration>]",
       "how long, and how much, a stream keeps of its media",
       "Whole hours; 0 is live only. Less than before hides what is older at once.\n"
       "\n"
       "  --max-bytes <size>  no more than this, however young: 500GB; 0 is no limit\n"
       "\n"
       "examples:\n"
       "  penstock stream retention door 168h\n"
       "  penstock stream retention door --max-bytes 200GB\n",
       {{"--max-bytes"}, {}, 1, 2},
       RunStreamRetention},
      {"stream coverage",
       "<name>",
       "what time of a stream is stored and, with the reason, what is not",
       "From the first fragment to the last, or to now while nothing comes.\n"
       "\n"
       "  --start <time>  from then on\n"
       "  --end <time>    until then\n"
       "\n"
       "Times: 2026-01-15T12:00:00Z, epoch milliseconds, now, or -10m (that long ago).\n"
       "\n"
       "examples:\n"
       "  penstock stream coverage door --start -24h\n"
       "  penstock stream coverage door --json | jq '.ranges[] | select(.stored | not)'\n",
       {{"--start", "--end"}, {}, 1, 1},
       RunStreamCoverage},
      {"hold add",
       "<stream>",
       "keep what is stored of a range, whatever retention says",
       "What it covers stays until the hold is released: neither age nor --max-bytes takes it, and "
       "not a full disk either. It\n"
       "comes on top of what the stream may keep. Of a range that ends in the future everything "
       "that is still to come is held, too.\n"
       "\n"
       "  --start <time>  from the fragment that contains this time\n"
       "  --end <time>    to the last one that starts before this time\n"
       "  --note <text>   why, for people\n"
       "\n"
       "Times: 2026-01-15T12:00:00Z, epoch milliseconds, now, or -10m (that long ago).\n"
       "\n"
       "examples:\n"
       "  penstock hold add door --start -10m --end now --note 'a parcel is taken'\n",
       {{"--start", "--end", "--note"}, {}, 1, 1},
       RunHoldAdd},
      {"hold list",
       "[<stream>]",
       "what is held, and why",
       "examples:\n  penstock hold list\n  penstock hold list door --json | jq -r "
       "'.holds[].id'\n",
       {{}, {}, 0, 1},
       RunHoldList},
      {"hold release",
       "<stream> <id>",
       "keep it no longer: what is older than the stream's retention goes at once",
       "examples:\n  penstock hold release door 3f9a0c1b2d4e\n",
       {{}, {}, 2, 2},
       RunHoldRelease},
      {"fragments",
       "<stream>",
       "what is stored of a stream, item by item",
       "  --start <time>  from the fragment that contains this time\n"
       "  --end <time>    to the last one that starts before this time\n"
       "  --limit <n>     at most so many (default 100; 0 is all)\n"
       "\n"
       "Times: 2026-01-15T12:00:00Z, epoch milliseconds, now, or -10m (that long ago).\n"
       "\n"
       "examples:\n"
       "  penstock fragments door --start -10m\n"
       "  penstock fragments door --start 2026-01-15T12:00:00+01:00 --end "
       "2026-01-15T13:00:00+01:00 --json\n",
       {{"--start", "--end", "--limit"}, {}, 1, 1},
       RunFragments},
      {"export",
       "<stream>",
       "write a stored range to a Matroska or MP4 file",
       "Nothing is encoded again: the file holds the frames as the camera sent them (but an MP4 "
       "has "
       "AAC for G.711). A hole in the "
       "recording is a\n"
       "hole in the file, and so is a fragment that is damaged. Where the camera changed its "
       "format, "
       "another file\n"
       "begins (door.mkv, door-2.mkv): players do not go on in one; standard output gets them in a "
       "row.\n"
       "\n"
       "  --start <time>  default: the oldest\n"
       "  --end <time>    default: the newest\n"
       "  -o <file>       default: <stream>.mkv; - is standard output\n"
       "  --format <f>    mkv or mp4; default: as the file's name ends, else mkv\n"
       "\n"
       "examples:\n"
       "  penstock export door --start -1h -o door.mkv\n"
       "  penstock export door --start -1h -o door.mp4\n"
       "  penstock export door --start -5m -o - | ffplay -\n",
       {{"--start", "--end", "-o", "--format"}, {"--quiet"}, 1, 1},
       RunExport},
      {"key create",
       "<name>",
       "make an access key; its secret is shown once",
       "  --role <role>      viewer (play, list, export; the default), publisher or admin\n"
       "  --allow <list>     instead of a role: actions in the names of Amazon's API or beginnings "
       "with *, separated by commas\n"
       "  --streams <list>   names or beginnings with *, separated by commas (default: all)\n"
       "  --session          a temporary key, for AWS SDKs only: it comes with a session token\n"
       "  --for <duration>   how long that lasts: 1s to 36h (default 1h)\n"
       "\n"
       "examples:\n"
       "  penstock key create anna\n"
       "  penstock key create door-camera --role publisher --streams door\n"
       "  penstock key create guard --streams 'yard-*,door'\n"
       "  penstock key create detector --allow GetMedia,GetDataEndpoint,ListFragments\n"
       "  penstock key create night-shift --role viewer --session --for 8h\n",
       {{"--role", "--allow", "--streams", "--for"}, {"--session"}, 1, 1},
       RunKeyCreate},
      {"key list", "", "access keys, without their secrets", "", {{}, {}, 0, 0}, RunKeyList},
      {"key revoke",
       "<name>",
       "make an access key worthless",
       "examples:\n  penstock key revoke anna\n",
       {{}, {}, 1, 1},
       RunKeyRevoke},
      {"token create",
       "<stream>",
       "make a link with which anybody can watch one stream for a while",
       "Prints an address for a browser and one for a player. Whoever has it sees that stream, "
       "live "
       "and what is stored of\n"
       "it, and nothing else, until it ends. There is no taking it back before that, except by "
       "deleting the stream or the\n"
       "server's master.key, with which all keys and links end.\n"
       "\n"
       "  --for <duration>  1m to 7d (default 1h)\n"
       "\n"
       "examples:\n"
       "  penstock token create door\n"
       "  penstock token create door --for 8h --json | jq -r .page\n",
       {{"--for"}, {}, 1, 1},
       RunTokenCreate},
      {"store stats", "", "space, files, and what is stored", "", {{}, {}, 0, 0}, RunStoreStats},
      {"store check",
       "",
       "read and verify every byte of a store whose server is stopped",
       "Changes nothing. Exit code 1 if something that was acknowledged cannot be read.\n"
       "\n"
       "examples:\n"
       "  penstock store check --data /srv/video\n",
       {{}, {}, 0, 0},
       RunStoreCheck,
       false},
      {"cert create",
       "<host>...",
       "make a private authority and a certificate that it signs for this server",
       "For networks whose machines no public authority knows. The hosts are the names and numeric "
       "addresses by which\n"
       "clients reach the server; localhost, 127.0.0.1 and ::1 are added. The folder gets ca.pem, "
       "which clients are given,\n"
       "ca.key, server.pem and server.key. Nothing that is there is overwritten; with --renew the "
       "authority that is there\n"
       "signs anew and server.pem and server.key are replaced, which a running server sees by "
       "itself.\n"
       "\n"
       "  --out <folder>    where they are written (default: penstock-tls)\n"
       "  --for <duration>  how long server.pem lasts: 1d to 825d (default 825d, the most that "
       "Apple's devices accept)\n"
       "  --renew           with the authority that is there\n"
       "\n"
       "examples:\n"
       "  penstock cert create cameras.example 192.0.2.7 --out /etc/penstock/tls\n"
       "  penstock cert create cameras.example 192.0.2.7 --out /etc/penstock/tls --renew\n",
       {{"--out", "--for"}, {"--renew"}, 1, 100},
       RunCertCreate,
       false},
      {"cert show",
       "<file>",
       "whom a certificate is for, who signed it, when it ends, and its fingerprint",
       "examples:\n  penstock cert show /etc/penstock/tls/server.pem\n",
       {{}, {}, 1, 1},
       RunCertShow,
       false},
      {"config check",
       "<file>",
       "say what is wrong with a configuration file",
       "examples:\n  penstock config check /etc/penstock.yaml\n",
       {{}, {}, 1, 1},
       RunConfigCheck,
       false},
      {"config reference",
       "",
       "every setting, as Markdown",
       "",
       {{}, {}, 0, 0},
       RunConfigReference,
       false},
      {"version", "", "print the version", "", {{}, {}, 0, 0}, RunVersion, false},
  };
}

}  // namespace

const std::vector<Command>& Commands() {
  static const std::vector<Command> commands = MakeCommands();
  return commands;
}

}  // namespace penstock::server
