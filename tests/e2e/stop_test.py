"""SIGTERM under load: whoever holds on to the server, it ends within its time, with nothing acknowledged lost."""

import contextlib
import pathlib
import shutil
import socket
import tempfile
import unittest
import urllib.parse

from harness import cameras
from harness.server import Penstock, ServerTest

STOP_WITHIN = 2
BOUND = 15  # seconds; what it is to be done in is a fraction of that
CAMERAS = 4


class Stop(ServerTest):
    def setUp(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-e2e-stop-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        config = folder / "penstock.yaml"
        config.write_text(f"stop_within: {STOP_WITHIN}s\n")
        self.penstock = Penstock(options=("--config", config))
        self.addCleanup(self.penstock.close)

    def connect(self, text):
        """Somebody who says this and then nothing, and reads nothing."""
        host, port = self.penstock.http.rsplit(":", 1)
        stuck = socket.socket()
        self.addCleanup(stuck.close)
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect((host, int(port)))
        stuck.sendall(text.encode())
        return stuck

    def test_nobody_keeps_it_from_its_end_and_what_was_acknowledged_is_there(self):
        simulator = self.start(cameras.Simulator, "--count", CAMERAS, "--kbps", "8000")
        names = [f"camera{i}" for i in range(CAMERAS)]
        for i, name in enumerate(names):
            self.penstock.add_source(name, simulator.camera(i))
        for name in names:
            self.penstock.wait_for_fragments(name, 3)
        oldest = self.penstock.fragments(names[0])[0]["start"]
        quoted = urllib.parse.quote(oldest)
        reader = self.connect(f"GET /api/v1/streams/{names[0]}/export?start={quoted}&format=mkv HTTP/1.1\r\nHost: {self.penstock.http}\r\n\r\n")
        self.assertIn(b"200 OK", reader.recv(64), "an export has begun")
        self.connect("GET /healthz HTTP/1.1\r\nHost:")
        idle = self.connect(f"GET /healthz HTTP/1.1\r\nHost: {self.penstock.http}\r\n\r\n")
        self.assertIn(b"200 OK", idle.recv(64))
        with contextlib.closing(self.connect("")):
            before = {name: self.penstock.fragments(name) for name in names}
            self.assertEqual(self.penstock.program.stop(BOUND), 0, self.penstock.program.tail())
        report = self.penstock.cli_json("store", "check")
        self.assertTrue(report["sound"], report)
        self.assertEqual(report["findings"], [], "a clean end leaves nothing torn")
        self.penstock.start()
        for name in names:
            after = {fragment["number"]: fragment for fragment in self.penstock.fragments(name)}
            for fragment in before[name]:
                self.assertEqual(after.get(fragment["number"]), fragment, name)


if __name__ == "__main__":
    unittest.main()
