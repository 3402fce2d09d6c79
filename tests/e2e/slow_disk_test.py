"""A disk that takes 1 MB a second, under cameras that send four: what is not stored is a gap, memory is bounded, it ends by itself."""

import os
import pathlib
import tempfile
import time
import unittest

from harness import cameras, playlists, programs, waiting
from harness.server import Penstock, ServerTest

CAMERAS = 4
SLOW = 1_000_000
FRAGMENT_SECONDS = 2
WATCHED_SECONDS = 30
GROWTH = 32 << 20  # bytes; the cameras send more than twice as much in the time it is measured over


class OnSlowDisk(Penstock):
    def __init__(self):
        self.rate = pathlib.Path(tempfile.mkstemp(prefix="penstock-rate-")[1])
        self.environment = {"LD_PRELOAD": programs.ours("slow_disk.so"), "SLOW_DISK_RATE": str(self.rate),
                            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:quarantine_size_mb=1"}
        self.set_rate(0)
        super().__init__()

    def set_rate(self, bytes_per_second):
        # At once: a reader finds the one or the other.
        new = self.rate.with_suffix(".new")
        new.write_text(str(bytes_per_second))
        new.rename(self.rate)

    def resident(self):
        status = pathlib.Path(f"/proc/{self.program.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) << 10

    def close(self):
        self.set_rate(0)
        super().close()
        self.rate.unlink()


class SlowDisk(unittest.TestCase):
    def setUp(self):
        self.penstock = OnSlowDisk()
        self.addCleanup(self.penstock.close)

    def newest(self, name):
        return playlists.parse(self.penstock.get(f"/hls/{name}/index.m3u8").decode())[-1].sequence

    def seconds_behind(self, name):
        """How long ago the newest fragment of the live list ended."""
        at = 0
        for segment in playlists.parse(self.penstock.get(f"/hls/{name}/index.m3u8").decode()):
            at = (playlists.unix_ms(segment.date) / 1000 if segment.date else at) + segment.seconds
        return time.time() - at

    def live_keeps_up(self, names):
        """What is live is there a fragment after it was filmed, though the disk is many behind."""
        seen = {name: [] for name in names}

        def look():
            for name in names:
                seen[name].append(round(self.seconds_behind(name), 1))
        waiting.until("live has caught up", lambda: all(self.seconds_behind(name) < 2 * FRAGMENT_SECONDS for name in names), 90)
        waiting.watch(WATCHED_SECONDS, look)
        for name in names:
            self.assertLess(max(seen[name]), 3 * FRAGMENT_SECONDS, seen[name])
        print("seconds behind at most:", max(max(each) for each in seen.values()), flush=True)

    def go_on(self, names):
        first = {name: self.newest(name) for name in names}
        waiting.until("ten fragments more are live", lambda: all(self.newest(name) >= first[name] + 10 for name in names), 90)

    def items(self, name):
        return [(item["ordinal"], item["kind"] == "gap" or "dropped" in item["flags"], item.get("gap_reason")) for item in self.penstock.items(name)]

    def test_live_goes_on_and_what_is_not_stored_is_a_gap(self):
        camera = cameras.Simulator("--count", CAMERAS, "--kbps", "8000")
        self.addCleanup(camera.close)
        names = [f"camera{i}" for i in range(CAMERAS)]
        for i, name in enumerate(names):
            self.penstock.add_source(name, camera.camera(i))
        for name in names:
            self.penstock.wait_for_fragments(name, 3)
        before = self.newest(names[0])

        self.penstock.set_rate(SLOW)
        dropped = 'penstock_fragments_dropped_total{reason="overload"}'
        waiting.until("fragments are dropped", lambda: self.penstock.metrics().get(dropped, 0) >= CAMERAS, 60)
        self.go_on(names)
        for name in names:
            self.penstock.wait_for_state(name, "waiting", "disk too slow")
        self.live_keeps_up(names)
        resident = self.penstock.resident()
        self.go_on(names)
        self.assertLess(self.penstock.resident() - resident, GROWTH)

        self.penstock.set_rate(0)
        stored = {name: len(self.penstock.fragments(name)) for name in names}
        waiting.until("all is stored again", lambda: all(len(self.penstock.fragments(name)) >= stored[name] + 3 for name in names), 60)
        for name in names:
            self.assertEqual(self.penstock.wait_for_state(name, "recording")["reason"], "")
            items = self.items(name)
            self.assertEqual([ordinal for ordinal, _, _ in items], list(range(items[0][0], items[-1][0] + 1)))
            self.assertLessEqual({reason for _, missing, reason in items if missing}, {"overload"})
        self.assertTrue(any(missing for name in names for _, missing, _ in self.items(name)))
        self.assertGreater(self.newest(names[0]), before)


if __name__ == "__main__":
    unittest.main()
