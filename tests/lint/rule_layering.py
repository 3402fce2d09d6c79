"""Includes only point down: the table of the house style, and the homes of heavy libraries."""

import re

from tree import Finding

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')

# folder -> what it may include besides itself
MAY_INCLUDE = {
    "base": set(),
    "store": {"base"},
    "fragmenter": {"base"},
    "net": {"base"},
    "streams": {"base", "store"},
    "ingest": {"base", "net", "fragmenter", "store"},
    "playback": {"base", "fragmenter", "store"},
    "server": {"base", "store", "fragmenter", "net", "streams", "ingest", "playback"},
    "samples": set(),
    # Both ends of a measurement must not be the same code: a simulated camera knows nothing of ingest.
    "camsim": {"base"},
}

# prefix of the library's headers -> (where they may be included, in words)
HOMES = [
    (r"boost/asio|boost/beast|nghttp2/", r"net/.*\.cc", "net/*.cc"),
    (r"zlib\.h", r"net/.*\.cc", "net/*.cc"),
    (r"gst/|glib", r"fragmenter/gst/.*\.cc|samples/.*\.cc", "fragmenter/gst/*.cc"),
    (r"libav\w*/|libsw\w*/", r"playback/images/.*\.cc", "playback/images/*.cc"),
    (r"spdlog/", r"base/log\.cc", "base/log.cc"),
    (r"boost/json", r"base/json\.cc", "base/json.cc"),
    (r"rocksdb/", r"store/index/.*\.cc", "store/index/*.cc"),
    (r"vo-aacenc/", r"playback/audio/.*\.cc", "playback/audio/*.cc"),
    (r"yaml-cpp/", r"server/config/.*\.cc", "server/config/*.cc"),
    (r"openssl/", r"(net|ingest|server|bench/camsim)/.*\.cc", ".cc files of net, ingest, server and camsim"),
]


def check(tree):
    findings = []
    for path in tree.files(".h", ".cc"):
        folder = "camsim" if path.startswith("bench/camsim/") else path.split("/")[0]
        for number, text in tree.lines(path):
            match = INCLUDE.match(text)
            if match:
                message = judge(folder, path, match.group(1), match.group(2))
                if message:
                    findings.append(Finding(path, number, message))
    return findings


def judge(folder, path, bracket, header):
    if folder not in MAY_INCLUDE:  # tests and measurements see everything
        return None
    if bracket == '"':
        if header.startswith(".") or "/" not in header:
            return f'"{header}": name it from the root of the repository'
        other = "camsim" if header.startswith("bench/camsim/") else header.split("/")[0]
        if other in MAY_INCLUDE or other in ("tests", "bench"):
            if other != folder and other not in MAY_INCLUDE[folder]:
                return f"{folder} must not know {other}"
        return None
    for library, home, words in HOMES:
        if re.match(library, header) and not re.fullmatch(home, path):
            return f"<{header}> lives in {words} only"
    return None
