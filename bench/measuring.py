"""What the measurements of Amazon's API have in common: the server with its streams, its usage, and the load that mediasim makes."""

import datetime
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
os.environ.setdefault("PENSTOCK_BIN", str(ROOT / "build/release/bin"))

from harness import programs, server  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


class Usage:
    """A process as /proc sees it."""

    def __init__(self, pid):
        folder = pathlib.Path(f"/proc/{pid}")
        fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        self.cpu = (int(fields[11]) + int(fields[12])) / TICKS
        self.threads = int(fields[17])
        self.rss_mb = int(fields[21]) * PAGE_MB
        self.disk_mb_read = int((folder / "io").read_text().split("read_bytes: ")[1].split()[0]) / 1e6
        self.at = time.monotonic()


def cpu_percent(before, after):
    return 100 * (after.cpu - before.cpu) / (after.at - before.at)


class Load:
    """A mediasim. It is warm when `measuring` returns, and has measured when `result` does; its clients stay until `close`."""

    def __init__(self, *options, lines=()):
        command = [programs.ours("mediasim"), *(str(option) for option in options)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if lines:
            self.process.stdin.write("".join(line + "\n" for line in [*lines, ""]))
            self.process.stdin.flush()

    def _line(self):
        line = self.process.stdout.readline()
        assert line, f"mediasim ended with {self.process.wait(30)}"
        return line

    def measuring(self):
        assert self._line() == "measuring\n"

    def result(self):
        return json.loads(self._line())

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait(30)


def measured(pid, load):
    """(what mediasim says, the server's usage before and after)"""
    load.measuring()
    before = Usage(pid)
    result = load.result()
    return result, before, Usage(pid)


def start(folder, *options):
    return server.Penstock(data=tempfile.mkdtemp(prefix="penstock-bench-", dir=folder), options=["--log-level", "error", *options])


def create(penstock, *names):
    for name in names:
        status, answer = penstock.call("POST", "/createStream", {"StreamName": name, "DataRetentionInHours": 24})
        assert status == 200, answer


def port(penstock):
    return penstock.http.rsplit(":", 1)[1]


def record(penstock, name, fragments, *options):
    """So many fragments of two seconds and 2 Mbit/s, as fast as they are taken; the first of that many seconds ago. Into the stream `name`0."""
    create(penstock, name + "0")
    done = subprocess.run([programs.ours("mediasim"), "produce", "--port", port(penstock), "--name", name, "--fragments", str(fragments), *options],
                          stdin=subprocess.DEVNULL, check=False, timeout=600)
    assert done.returncode == 0, done.returncode


def quantiles(found, digits=1):
    return f"{found['p50']:.{digits}f} / {found['p99']:.{digits}f}" if found else "-"


def heading(name):
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")), "unknown CPU")
    return (f"`bench/{' '.join([name, *sys.argv[1:]])}`, {datetime.date.today()}, {os.cpu_count()} x {model}, "
            f"Linux {platform.release().split('-')[0]}, load {os.getloadavg()[0]:.1f}\n")


def table(rows):
    """Dicts with the same keys, as Markdown; printed row by row as they come."""
    first = True
    for row in rows:
        if first:
            print("| " + " | ".join(row) + " |\n|" + " --- |" * len(row))
        first = False
        print("| " + " | ".join(map(str, row.values())) + " |", flush=True)
