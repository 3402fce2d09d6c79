"""A held range outlives everything around it, retention by bytes and kill -9, as long as it is held and no longer."""

import hashlib
import json
import pathlib
import shutil
import tempfile
import unittest
import urllib.error

from harness import cameras, media, playlists, programs, waiting
from harness.server import ServerTest

MAX_BYTES = 50_000_000  # the least a stream may keep
NAME = "door"


def middle_ms(fragment):
    return playlists.unix_ms(fragment["start"]) + fragment["duration_ms"] // 2


class Hold(ServerTest):
    options = ("--store-segment", "16MB")

    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="penstock-e2e-hold-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        camera = self.start(cameras.Simulator, "--video", media.heavy_clip(self.folder), "--no-audio")
        self.penstock.add_source(NAME, camera.url)
        there = self.penstock.wait_for_fragments(NAME, 6)
        self.penstock.cli("stream", "retention", NAME, "--max-bytes", MAX_BYTES)
        # From the middle of one to the middle of the next: these two, and what a late arrival makes overlap.
        self.start_ms, self.end_ms = middle_ms(there[2]), middle_ms(there[3])
        self.hold = self.penstock.cli_json("hold", "add", NAME, "--start", self.start_ms, "--end", self.end_ms, "--note", "a parcel is taken")
        self.wanted = {there[2]["ordinal"], there[3]["ordinal"]}
        self.around = {there[0]["ordinal"], there[5]["ordinal"]}

    def ordinals(self):
        return [item["ordinal"] for item in self.penstock.items(NAME)]

    def wait_until_the_rest_has_gone(self):
        waiting.until("what is not held has gone", lambda: not self.around & set(self.ordinals()), 120, pause=0.2)

    def segments(self):
        return playlists.parse(self.penstock.get(f"/hls/{NAME}/index.m3u8?start={self.start_ms}&end={self.end_ms}").decode())

    def digests(self):
        return {segment.uri: hashlib.sha256(self.penstock.get(f"/hls/{NAME}/{segment.uri}")).hexdigest() for segment in self.segments()}

    def status(self, uri):
        try:
            self.penstock.get(f"/hls/{NAME}/{uri}")
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        return 200

    def test_it_outlives_what_lies_around_it_and_a_kill_and_goes_when_it_is_released(self):
        self.wait_until_the_rest_has_gone()
        ordinals = self.ordinals()
        jump = next(i for i in range(1, len(ordinals)) if ordinals[i] != ordinals[i - 1] + 1)
        held = set(ordinals[:jump])
        self.assertLessEqual(self.wanted, held)
        self.assertEqual(ordinals[jump:], list(range(ordinals[jump], ordinals[-1] + 1)), "what is kept anyhow has no hole")
        with self.subTest("it is told"):
            self.check_what_is_told()
        with self.subTest("it plays"):
            self.check_that_it_plays()
        with self.subTest("it is exported"):
            self.check_that_it_is_exported()

        before = self.digests()
        self.assertGreaterEqual(len(before), 2)
        self.penstock.kill()
        report = json.loads(self.penstock.cli("store", "check", "--json", check=False).stdout)
        self.assertTrue(report["sound"], report)
        self.penstock.start()
        self.assertEqual(self.penstock.cli_json("hold", "list", NAME)["holds"], [self.hold])
        self.assertLessEqual(held, set(self.ordinals()))
        self.assertEqual(self.digests(), before)

        refused = self.penstock.cli("stream", "delete", NAME, "--yes", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(self.hold["id"], refused.stderr)

        self.penstock.cli("hold", "release", NAME, self.hold["id"])
        self.assertFalse(held & set(self.ordinals()))
        self.assertEqual({self.status(uri) for uri in before}, {410})
        self.assertEqual(self.penstock.cli_json("hold", "list")["holds"], [])
        self.assertEqual(self.penstock.cli_json("store", "stats")["held_bytes"], 0)
        self.penstock.stop()
        report = self.penstock.cli_json("store", "check")
        self.assertTrue(report["sound"], report)

    def test_what_has_gone_in_between_is_a_hole_in_the_exported_file(self):
        self.wait_until_the_rest_has_gone()
        self.penstock.remove_source(NAME)  # nothing more comes, and so nothing more goes
        ordinals = [fragment["ordinal"] for fragment in self.penstock.fragments(NAME)]
        jump = next(i for i in range(1, len(ordinals)) if ordinals[i] != ordinals[i - 1] + 1)
        gone = ordinals[jump] - ordinals[jump - 1] - 1
        pictures = {}
        for kind, missing in ("mkv", "missing_bytes"), ("mp4", "missing_fragments"):
            file = pathlib.Path(self.folder, f"all.{kind}")
            said = self.penstock.cli_json("export", NAME, "-o", file)
            self.assertEqual((said["files"], said["fragments"], said[missing]), ([str(file)], len(ordinals), 0), kind)
            self.assertEqual(media.decode_errors(file, seconds=300), "")
            pictures[kind] = media.packet_times(file, seconds=120)["video"]
        self.assertEqual([digest for _, digest in pictures["mp4"]], [digest for _, digest in pictures["mkv"]])
        for kind, packets in pictures.items():
            times = [at for at, _ in packets]
            steps = [after - before for before, after in zip(times, times[1:])]
            # A fragment is a second of 25 pictures.
            self.assertAlmostEqual(steps.pop(jump * 25 - 1), gone + 0.04, delta=0.01, msg=kind)
            self.assertLess(max(steps), 0.05, kind)

    def check_what_is_told(self):
        coverage = self.penstock.cli_json("stream", "coverage", NAME)
        ranges = coverage["ranges"]
        self.assertEqual([(r["stored"], r.get("reason")) for r in ranges[:3]], [(True, None), (False, "expired"), (True, None)])
        self.assertEqual(coverage["expired_before"], ranges[0]["start"])
        self.assertEqual((coverage["missing_ms"], coverage["expired_ms"]), (0, ranges[1]["duration_ms"]))
        self.assertIn("expired", self.penstock.cli("stream", "coverage", NAME))
        stats = self.penstock.cli_json("store", "stats")
        self.assertEqual((stats["holds"], stats["held_bytes"]), (1, ranges[0]["bytes"]))
        self.assertIn("by 1 hold", self.penstock.cli("store", "stats"))
        stream = self.penstock.cli_json("stream", "list")["streams"][0]
        self.assertEqual(stream["held_bytes"], ranges[0]["bytes"])
        self.assertLessEqual(stream["bytes"], MAX_BYTES)

    def check_that_it_plays(self):
        url = self.penstock.hls(NAME, f"?start={self.start_ms}&end={self.end_ms}")
        self.assertEqual(media.codecs(url), ["h264"])
        self.assertEqual(media.decode_errors(url), "")
        # With what is kept anyhow, which goes on disappearing meanwhile.
        whole = playlists.parse(self.penstock.get(self.penstock.stored_path(NAME)).decode())
        self.assertEqual([segment.uri for segment in whole[:len(self.segments())]], [segment.uri for segment in self.segments()])
        self.assertIn(True, [segment.discontinuity for segment in whole[1:]])

    def check_that_it_is_exported(self):
        file = pathlib.Path(self.folder, "held.mkv")
        said = self.penstock.cli_json("export", NAME, "--start", self.start_ms, "--end", self.end_ms, "-o", file)
        self.assertEqual((said["fragments"], said["missing_bytes"]), (len(self.segments()), 0))
        self.assertEqual(media.decode_errors(file), "")


if __name__ == "__main__":
    unittest.main()
