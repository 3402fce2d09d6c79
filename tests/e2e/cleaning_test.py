"""Room from files in which little still lives: what a deleted stream leaves between the fragments of another."""

import hashlib
import os
import pathlib
import shutil
import tempfile
import unittest

from harness import cameras, media, playlists, waiting
from harness.server import ServerTest

KEPT, GONE = "kept", "gone"
SEGMENT_BYTES = 16 << 20


class Cleaning(ServerTest):
    options = ("--store-segment", "16MB")

    def setUp(self):
        super().setUp()
        folder = tempfile.mkdtemp(prefix="penstock-e2e-cleaning-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        clip = media.heavy_clip(folder)
        self.penstock.add_source(KEPT, self.start(cameras.Simulator).url)
        self.penstock.add_source(GONE, self.start(cameras.Simulator, "--video", clip, "--no-audio").url)

    def stored_bytes(self):
        return sum(file.stat().st_blocks * 512 for file in pathlib.Path(self.penstock.data).rglob("*-24h.segment"))

    def digests(self, count=None):
        """{name: digest} of everything stored of the stream that stays, or of its first fragments."""
        segments = playlists.parse(self.penstock.get(self.penstock.stored_path(KEPT)).decode())
        names = [segment.uri for segment in segments]
        return {name: hashlib.sha256(self.penstock.get(f"/hls/{KEPT}/{name}")).hexdigest() for name in names[:count]}

    def start_and_want_space(self):
        """Beside other users of the disk: less than twice this is free, and never less than this."""
        space = os.statvfs(self.penstock.data)
        self.penstock.options += ["--store-min-free", f"{space.f_bavail * space.f_frsize * 6 // 10 // 1000}KB"]
        self.penstock.start()

    def test_a_deleted_streams_room_comes_back_and_the_stream_beside_it_stays_as_it_was(self):
        self.penstock.wait_for_fragments(KEPT, 12)
        self.penstock.remove_source(GONE)
        self.penstock.cli("stream", "delete", GONE, "--yes")
        stored = self.penstock.fragments(KEPT)
        before = self.digests()
        self.assertGreaterEqual(len(before), 12)
        occupied = self.stored_bytes()
        self.assertGreaterEqual(occupied, 3 * SEGMENT_BYTES)

        self.penstock.kill()
        self.start_and_want_space()
        # All that were full before; of the one being written it is not asked.
        waiting.until("files are cleaned", lambda: self.stored_bytes() < occupied // 2, 120, pause=0.2)
        self.assertGreaterEqual(self.penstock.metric("penstock_store_cleaned_segments_total"), 2)
        copied = self.penstock.metric("penstock_store_cleaning_copied_bytes_total")
        self.assertGreater(copied, sum(fragment["bytes"] for fragment in stored) // 2)
        self.assertLess(copied, occupied // 2)

        with self.subTest("nothing of what stays has changed"):
            self.assertEqual(self.digests(len(before)), before)
            self.assertEqual(self.penstock.fragments(KEPT)[:len(stored)], stored)
        with self.subTest("the camera is recorded as before"):
            begun = len(self.penstock.fragments(KEPT))
            self.penstock.wait_for_fragments(KEPT, begun + 3)
            holes = [r["reason"] for r in self.penstock.cli_json("stream", "coverage", KEPT)["ranges"] if not r["stored"]]
            self.assertLessEqual(set(holes), {"restart"}, holes)
        with self.subTest("and after a kill"):
            self.penstock.kill()
            self.penstock.start()
            self.assertEqual(self.digests(len(before)), before)
        self.penstock.stop()
        report = self.penstock.cli_json("store", "check")
        self.assertTrue(report["sound"], report)


if __name__ == "__main__":
    unittest.main()
