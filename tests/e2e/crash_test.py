"""kill -9 under load: whatever was acknowledged is there again, byte for byte, and what comes after is newer."""

import hashlib
import unittest

from harness import cameras, programs
from harness.server import ServerTest

CAMERAS = 8
ROUNDS = 3


class Crash(ServerTest):
    def digests(self, name):
        """Of every stored media segment of a stream."""
        playlist = self.penstock.get(self.penstock.stored_path(name)).decode()
        uris = [line for line in playlist.splitlines() if line and not line.startswith("#")]
        return {uri: hashlib.sha256(self.penstock.get(f"/hls/{name}/{uri}")).hexdigest() for uri in uris}

    def test_every_acknowledged_fragment_survives_each_kill(self):
        simulator = self.start(cameras.Simulator, "--count", CAMERAS)
        names = [f"camera{i}" for i in range(CAMERAS)]
        for i, name in enumerate(names):
            self.penstock.add_source(name, simulator.camera(i))
        for _ in range(ROUNDS):
            for name, there in [(name, len(self.penstock.fragments(name))) for name in names]:
                self.penstock.wait_for_fragments(name, there + 2)
            before = {name: self.penstock.fragments(name) for name in names}
            bytes_before = self.digests(names[0])
            self.penstock.kill()
            self.penstock.start()
            for name in names:
                after = {item["number"]: item for item in self.penstock.items(name)}
                for fragment in before[name]:
                    self.assertEqual(after.get(fragment["number"]), fragment, name)
                numbers = [item["number"] for item in self.penstock.items(name)]
                ordinals = [item["ordinal"] for item in self.penstock.items(name)]
                self.assertEqual(numbers, sorted(set(numbers)), name)
                self.assertEqual(ordinals, sorted(set(ordinals)), name)
            bytes_after = self.digests(names[0])
            for uri, digest in bytes_before.items():
                self.assertEqual(bytes_after.get(uri), digest, uri)
        self.penstock.stop()
        report = self.penstock.cli_json("store", "check")
        self.assertTrue(report["sound"], report)
        self.assertEqual([finding for finding in report["findings"] if finding["harmful"]], [])

    def test_a_second_server_on_the_same_folder_is_refused(self):
        second = programs.run(programs.ours("penstock"), "serve", "--data", self.penstock.data, "--http", "127.0.0.1:0", "--rtsp",
                              "127.0.0.1:0", check=False)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("another process", second.stderr)
        self.penstock.get("/healthz")


if __name__ == "__main__":
    unittest.main()
