"""The page in real Chromium: live across a camera's reconnect, a change of resolution, a hole and a restart of the server, without a
reload; then a stored range after the restart. PENSTOCK_LIVE_SECONDS is how long the live part takes (600 in .ci/deep)."""

import os
import time
import unittest

from harness import browser, cameras, playlists, waiting
from harness.server import ServerTest

LIVE_SECONDS = float(os.environ.get("PENSTOCK_LIVE_SECONDS", "90"))
# Fragments of a second or two, three of them in the player's buffer, and a machine that does other things, too.
LATENCY_MS_MAX = 15_000
CAMERA = ("--width", "640", "--height", "360", "--kbps", "800")


class Live(ServerTest):
    def setUp(self):
        super().setUp()
        self.page = browser.Browser()
        self.addCleanup(self.page.close)

    def watch(self, seconds):
        """The clock in the picture moves on, all the time, and stays near."""
        last = self.page.wait_until_playing(60)
        newest, moved, ages = 0, time.monotonic(), []

        def look():
            nonlocal newest, moved
            shown = self.page.shown()
            if shown and shown[0] != newest:
                newest, moved = shown[0], time.monotonic()
                ages.append(shown[1])
            self.assertLess(time.monotonic() - moved, 10, f"the picture stands still: {self.page.state()}")
        waiting.watch(seconds, look)
        self.assertGreater(len(ages), 0)
        self.assertLess(sorted(ages)[len(ages) // 2], LATENCY_MS_MAX)
        self.assertEqual(self.page.do("errors"), [])
        return last

    def sequences(self):
        return {segment.uri: segment.sequence for segment in playlists.parse(self.penstock.get("/hls/camera/index.m3u8").decode())}

    def test_the_page_plays_within_ten_seconds_of_the_servers_start(self):
        camera = self.start(cameras.SyntheticCamera)
        self.penstock.add_source("camera", camera.url)
        self.penstock.stop()
        self.penstock.start()
        started = time.monotonic()
        self.page.open(self.penstock.url("/"))
        self.page.wait_until_playing(20)
        self.assertLess(time.monotonic() - started, 10)
        self.page.screenshot("page")

    def test_live_goes_on_whatever_happens_and_a_stored_range_plays(self):
        camera = self.start(cameras.SyntheticCamera, *CAMERA)
        self.penstock.add_source("camera", camera.url)
        self.penstock.wait_for_fragments("camera", 1)
        began = time.time()
        self.page.open(self.penstock.url("/#stream=camera"))
        part = LIVE_SECONDS / 5
        loaded = self.watch(part)["loaded"]

        # The camera goes and comes back with another picture size: a hole, a new run, a new init segment.
        camera.stop()
        self.penstock.wait_for_state("camera", "failed")
        bigger = self.start(cameras.SyntheticCamera, "--port", camera.port, "--resize-after", "12")
        self.penstock.wait_for_state("camera", "recording", seconds=60)
        self.watch(part)

        # The size changes while it runs.
        waiting.until("the smaller picture", lambda: self.page.state()["width"] == 640, 60)
        self.watch(part)

        # The server is restarted in order, then killed.
        before = self.sequences()
        self.penstock.stop()
        self.penstock.start()
        self.watch(part)
        self.penstock.kill()
        self.penstock.start()
        self.watch(part)
        after = {segment.uri: segment.sequence for segment in playlists.parse(
            self.penstock.get(f"/hls/camera/index.m3u8?start={int(began * 1000) - 5000}").decode())}
        common = before.keys() & after.keys()
        self.assertGreater(len(common), 0)
        self.assertEqual({uri: before[uri] for uri in common}, {uri: after[uri] for uri in common})

        self.assertEqual(self.page.state()["loaded"], loaded, "the page was reloaded")
        self.page.screenshot("live")
        bigger.stop()

        # From the store: what was seen at the beginning.
        self.page.evaluate(f"penstock.player.playFrom('camera', {int((began + 2) * 1000)})")
        def from_the_store():
            shown = self.page.shown()
            return shown and abs(shown[0] / 1000 - began) < 30
        waiting.until("the picture of the beginning", from_the_store, 30)
        self.page.wait_until_playing(20)
        self.page.screenshot("stored")


if __name__ == "__main__":
    unittest.main()
