"""What keeps the architecture honest: things that must not grow with the number of cameras."""

import collections
import os
import pathlib
import unittest

from harness import cameras, waiting
from harness.server import ServerTest

MANY = 100
# What 100 cameras write in the time of the test fills the segment at hand, at most, and begins another, with its successor made ready.
SEGMENTS_MORE = 4


class Architecture(ServerTest):
    def process(self):
        return pathlib.Path(f"/proc/{self.penstock.program.pid}")

    def threads(self):
        return len(list((self.process() / "task").iterdir()))

    def descriptors(self):
        """Of whatever kind: {what it is: how many}; files by the folder they lie in."""
        counts = collections.Counter()
        for descriptor in (self.process() / "fd").iterdir():
            try:
                target = os.readlink(descriptor)
            except FileNotFoundError:
                continue  # closed meanwhile
            counts[os.path.dirname(target) if target.startswith("/") else target.split("[")[0]] += 1
        return counts

    def recording(self):
        return sum(publication["state"] == "recording" for publication in self.penstock.get_json("/api/v1/sources")["publications"])

    def wait_for(self, count):
        waiting.until(f"{count} cameras recording", lambda: self.recording() >= count, 90, pause=0.3)

    def test_threads_and_descriptors(self):
        simulator = self.start(cameras.Simulator, "--count", MANY, "--kbps", "500")
        self.penstock.add_source("camera0", simulator.camera(0), "--transport", "tcp")
        self.wait_for(1)
        self.penstock.wait_for_fragments("camera0", 2)
        threads, one = self.threads(), self.descriptors()
        for i in range(1, MANY):
            status, answer = self.penstock.call("POST", "/api/v1/sources", {"name": f"camera{i}", "url": simulator.camera(i), "transport": "tcp"})
            self.assertEqual(status, 201, answer)
        self.wait_for(MANY)
        self.penstock.wait_for_fragments(f"camera{MANY - 1}", 2)
        with self.subTest("as many threads with 100 cameras as with one"):
            self.assertEqual(self.threads(), threads)
        with self.subTest("one descriptor for each camera over TCP"):
            many = self.descriptors()
            # Requests of this test come and go: a few sockets more or less are theirs.
            sockets = many.pop("socket:") - one.pop("socket:")
            self.assertAlmostEqual(sockets, MANY - 1, delta=4)
            # And nothing else: no eventfd, pipe or file of a camera's own. The log opens segments as it fills them.
            segments = [sum(found.pop(folder) for folder in list(found) if folder.startswith(self.penstock.data)) for found in (one, many)]
            self.assertLessEqual(segments[1] - segments[0], SEGMENTS_MORE)
            self.assertEqual(many, one)
        with self.subTest("at most one flush for each batch and segment it touches"):
            metrics = self.penstock.metrics()
            syncs = self.sum_of(metrics, "penstock_store_fdatasyncs_total")
            parts = self.sum_of(metrics, "penstock_store_batch_parts_total")
            batches = self.sum_of(metrics, "penstock_store_batches_total")
            self.assertGreater(batches, 0)
            self.assertLessEqual(syncs, parts)
        with self.subTest("group commit: fewer batches than fragments"):
            self.assertLess(batches, self.sum_of(metrics, "penstock_store_items_committed_total"))

    def sum_of(self, metrics, name):
        found = [value for key, value in metrics.items() if key == name or key.startswith(name + "{")]
        self.assertTrue(found, f"no metric {name} among {sorted(metrics)}")
        return sum(found)


if __name__ == "__main__":
    unittest.main()
