"""Penstock itself, as a user runs it: the shipping binary on a folder and ports of its own."""

import contextlib
import json
import re
import shutil
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import programs, waiting


class Penstock:
    """A server on a fresh folder. It may be stopped, killed and started again; ports and folder stay."""

    environment = None  # variables of the server besides this process's own

    def __init__(self, data=None, options=()):
        self.data = data or tempfile.mkdtemp(prefix="penstock-e2e-")
        self.options = list(options)
        self.http = self.rtsp = "127.0.0.1:0"
        self.program = None
        self.start()

    def start(self):
        if self.program is not None:
            self.program.close()
        self.program = programs.Program(programs.ours("penstock"), "serve", "--data", self.data, "--http", self.http, "--rtsp", self.rtsp,
                                        *self.options, env=self.environment)
        self.program.wait_for_line(" data ", 60)
        self.http = self._announced(r"http://([^/]+)/")
        self.rtsp = self._announced(r"rtsp://([^/]+)/")
        self.https = self._announced(r"https://([^/]+)/") if "--https" in self.options else None
        waiting.until("healthy", lambda: self.get("/healthz"))

    def _announced(self, pattern):
        return next(match.group(1) for match in map(re.compile(pattern).search, self.program.lines) if match)

    def stop(self):
        code = self.program.stop()
        assert code == 0, f"penstock ended with {code}:\n{self.program.tail()}"

    def kill(self):
        """As a power cut would, as far as the process is concerned."""
        self.program.kill()

    def close(self):
        self.program.close()
        shutil.rmtree(self.data, ignore_errors=True)

    # The API.

    def url(self, path):
        return f"http://{self.http}{path}"

    def get(self, path):
        with contextlib.closing(urllib.request.urlopen(self.url(path), timeout=20)) as answer:
            return answer.read()

    def get_json(self, path):
        return json.loads(self.get(path))

    def call(self, method, path, body=None, headers=None):
        """(status, decoded answer), whatever the status."""
        request = urllib.request.Request(self.url(path), method=method, data=json.dumps(body).encode() if body is not None else None,
                                         headers={"Content-Type": "application/json", **(headers or {})})
        try:
            with contextlib.closing(urllib.request.urlopen(request, timeout=20)) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, text = error.code, error.read()
        try:
            return status, json.loads(text) if text else None
        except ValueError:
            return status, text

    # The command line.

    def cli(self, *arguments, check=True):
        return programs.run(programs.ours("penstock"), *arguments, "--data", self.data, check=check)

    def cli_json(self, *arguments):
        return json.loads(self.cli(*arguments, "--json"))

    # What tests ask for all the time.

    def add_source(self, name, url, *options):
        self.cli("source", "add", name, url, *options)

    def publication(self, name):
        """What `source status` says of one stream; None before it says anything."""
        for publication in self.cli_json("source", "status")["publications"]:
            if publication["stream"] == name:
                return publication
        return None

    def wait_for_state(self, name, state, reason="", seconds=40):
        last = {}

        def reached():
            last.update(self.publication(name) or {})
            return last.get("state") == state and reason.lower() in last.get("reason", "").lower()
        try:
            waiting.until(f"{name} is {state} ({reason})", reached, seconds)
        except waiting.NotInTime as error:
            raise AssertionError(f"{error}; it is {last.get('state')}: {last.get('reason')}\n{self.program.tail()}") from None
        return last

    def items(self, name):
        """Everything stored of a stream, oldest first; nothing before there is a stream."""
        items, after = [], ""
        while True:
            status, page = self.call("GET", f"/api/v1/streams/{name}/fragments?limit=1000{after}")
            if status == 404:
                return []
            assert status == 200, page
            items += page["fragments"]
            if not page["next"]:
                return items
            after = "&after=" + page["next"]

    def fragments(self, name):
        return [item for item in self.items(name) if item["kind"] == "fragment"]

    def wait_for_fragments(self, name, count, seconds=60):
        def enough():
            found = self.fragments(name)
            return found if len(found) >= count else None
        try:
            return waiting.until(f"{count} fragments of {name}", enough, seconds, pause=0.2)
        except waiting.NotInTime as error:
            raise AssertionError(f"{error}\n{self.publication(name)}\n{self.program.tail()}") from None

    def remove_source(self, name):
        """Returns when the last fragment of it is stored, too."""
        self.cli("source", "remove", name)
        waiting.until_equal(f"nothing of {name} is on its way", lambda: self.publication(name), None)

    def open_hole(self, name):
        """The hole that is open now; None while something comes."""
        last = self.cli_json("stream", "coverage", name)["ranges"][-1]
        return None if last["stored"] or not last["open"] else last

    def wait_for_open_hole(self, name, reason, lasts_ms=0):
        """A hole begins where the last fragment's time ends, which may be a moment ahead. What comes later may begin a little before it arrives,
        too: whoever fills the hole and wants to see it afterwards says how long it is to be."""
        def look():
            hole = self.open_hole(name)
            return hole and (hole["reason"], hole["duration_ms"] >= lasts_ms)
        waiting.until_equal(f"an open hole of {name}", look, (reason, True), 20)

    def hls(self, name, query=""):
        return self.url(f"/hls/{urllib.parse.quote(name)}/index.m3u8{query}")

    def stored_path(self, name):
        """What of the last hour is stored now, as a playlist that has an end."""
        now = int(time.time() * 1000)
        return f"/hls/{urllib.parse.quote(name)}/index.m3u8?start={now - 3_600_000}&end={now}"

    def stored(self, name):
        return self.url(self.stored_path(name))

    def metrics(self):
        """{name with labels: value}"""
        values = {}
        for line in self.get("/metrics").decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                values[name] = float(value)
        return values

    def metric(self, name):
        """The sum over all labels."""
        found = [value for key, value in self.metrics().items() if key == name or key.startswith(name + "{")]
        assert found, f"no metric {name}"
        return sum(found)


class ServerTest(unittest.TestCase):
    """A test with a server and things that are cleaned up."""

    options = ()
    maxDiff = None

    def setUp(self):
        self.penstock = Penstock(options=self.options)
        self.addCleanup(self.penstock.close)

    def start(self, kind, *options):
        """A camera or another program that ends with the test."""
        program = kind(*options)
        self.addCleanup(program.close)
        return program
