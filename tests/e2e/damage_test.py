"""Bytes that rot on the disk: what a viewer in Chromium sees of it, and what an operator is told."""

import json
import unittest
import urllib.error

from harness import browser, cameras, damage, playlists, waiting
from harness.server import ServerTest

CAMERA = ("--width", "640", "--height", "360", "--kbps", "800")

# hls.js as anybody uses it, without our page's settings, on a list that is loaded again and again.
PLAIN_PLAYER = """(() => {
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const hls = new Hls();
  window.plain = {video, fatal: ''};
  hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) window.plain.fatal = data.details; });
  hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
  hls.loadSource(%s);
  hls.attachMedia(video);
})()"""


class Damage(ServerTest):
    def setUp(self):
        super().setUp()
        self.page = browser.Browser()
        self.addCleanup(self.page.close)

    def listed(self, query=""):
        return playlists.parse(self.penstock.get(f"/hls/camera/index.m3u8{query}").decode())

    def test_players_step_over_a_damaged_fragment_and_lists_say_so(self):
        camera = self.start(cameras.SyntheticCamera, *CAMERA)
        self.penstock.add_source("camera", camera.url)
        self.penstock.wait_for_fragments("camera", 16)
        before = self.listed("?start=0")
        first, second = before[5], before[9]
        pieces = [damage.middle(self.penstock.get(f"/hls/camera/{segment.uri}")) for segment in (first, second)]
        # What was being written is sealed by the next start, and nothing of it is in memory any more.
        self.penstock.stop()
        self.penstock.start()
        for piece in pieces:
            damage.flip(*damage.segment_file(self.penstock.data, piece))
        self.penstock.wait_for_fragments("camera", 18)

        with self.subTest("plain hls.js on a list that slides"):
            self.page.open(self.penstock.url("/"))
            self.page.evaluate(PLAIN_PLAYER % json.dumps("/hls/camera/index.m3u8?start=0"))
            past = sum(s.seconds for s in before[:7])
            waiting.until("the plain player is past the damage", lambda: self.page.evaluate("window.plain.video.currentTime") > past, 40)
            self.assertEqual(self.page.evaluate("window.plain.fatal"), "")
            self.page.evaluate("window.plain.video.remove()")

        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.penstock.get(f"/hls/camera/{first.uri}")
        with refused.exception as answer:
            self.assertEqual(answer.code, 404)
            self.assertIn("damaged", answer.read().decode())
        after = {s.sequence: s for s in self.listed("?start=0")}
        self.assertTrue(after[first.sequence].gap)
        self.assertEqual((after[first.sequence].uri, after[first.sequence].seconds), (first.uri, first.seconds))
        self.assertEqual(after[first.sequence + 1].uri, before[6].uri)

    def test_the_page_plays_what_is_stored_across_damage_that_nobody_knew_of(self):
        camera = self.start(cameras.SyntheticCamera, *CAMERA)
        self.penstock.add_source("camera", camera.url)
        self.penstock.wait_for_fragments("camera", 16)
        before = self.listed("?start=0")
        victim = before[5]
        data = self.penstock.get(f"/hls/camera/{victim.uri}")
        self.penstock.stop()
        self.penstock.start()
        damage.flip(*damage.segment_file(self.penstock.data, damage.middle(data)))

        self.page.open(self.penstock.url("/"))
        # It begins by itself with the first stream, live.
        self.page.wait_until_playing()
        start = playlists.unix_ms(before[0].date)
        self.page.evaluate(f"window.penstock.player.playFrom('camera', {start})")
        ahead, behind = (start + 1000 * sum(s.seconds for s in before[:n]) for n in (5, 7))
        waiting.until("pictures from before the damage", lambda: 0 < (self.page.shown() or (0,))[0] < ahead, 40)
        waiting.until("pictures from behind the damage", lambda: (self.page.shown() or (0,))[0] > behind, 40)
        state = self.page.wait_until_playing(20)
        self.assertEqual((state["restarts"], state["error"]), (0, ""), state)
        self.assertEqual(self.page.errors(), [])
        self.assertEqual(self.penstock.metric("penstock_fragments_damaged_total"), 1)
        self.assertEqual(self.penstock.program.tail(10_000).count("stored fragment is damaged; it plays as a gap"), 1)
        self.assertEqual([s.sequence for s in self.listed("?start=0") if s.gap and s.sequence <= before[-1].sequence], [victim.sequence])


if __name__ == "__main__":
    unittest.main()
