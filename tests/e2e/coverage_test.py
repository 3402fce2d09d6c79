"""Every moment of a stream is accounted for: stored, or missing for a reason, whatever happens to camera, server and source."""

import time
import unittest

from harness import browser, cameras, playlists, waiting
from harness.server import ServerTest

FRAGMENTS = 3  # of each piece of recording
FRAGMENT_MS = 2500  # what one lasts at most here, and what a time taken by the test may be off by
HOLE_MS = 1000  # of a hole that somebody makes and looks for, at least
NAME = "camera"


def now_ms():
    return int(time.time() * 1000)


def ms(text):
    return round(playlists.unix_ms(text))


class Coverage(ServerTest):
    def setUp(self):
        super().setUp()
        self.camera = self.start(cameras.Simulator)
        self.penstock.add_source(NAME, self.camera.url)
        self.record()

    def record(self):
        """Some more fragments than there are."""
        self.penstock.wait_for_fragments(NAME, len(self.penstock.fragments(NAME)) + FRAGMENTS)

    def cut_the_camera(self):
        cut = now_ms()
        self.camera.stop()
        self.penstock.wait_for_state(NAME, "failed")
        return cut

    def camera_comes_back(self):
        self.camera = self.start(cameras.Simulator, "--port", self.camera.port)

    def kill_and_restart(self):
        # What was noted before this is in the log before it, and this is there when it is answered.
        self.penstock.cli("stream", "create", f"flush-{now_ms()}")
        killed = now_ms()
        self.penstock.kill()
        self.penstock.start()
        return killed

    def remove_and_add(self, between):
        removed = now_ms()
        self.penstock.cli("source", "remove", NAME)
        between()
        self.penstock.add_source(NAME, self.camera.url)
        return removed

    def wait_for_removal(self):
        self.penstock.wait_for_open_hole(NAME, "source-removed", HOLE_MS)

    def kill_the_server_in_between(self):
        self.kill_and_restart()
        self.wait_for_removal()

    def coverage(self, *options):
        return self.penstock.cli_json("stream", "coverage", NAME, *options)

    def holes(self, reasons):
        """The holes between the fragments, after all that must hold of a coverage is checked."""
        fragments = self.penstock.fragments(NAME)
        last = fragments[-1]
        first_ms, last_ms = ms(fragments[0]["start"]), ms(last["start"]) + last["duration_ms"]
        coverage = self.coverage("--end", last_ms)
        ranges = coverage["ranges"]
        spans = [(ms(part["start"]), ms(part["end"])) for part in ranges]

        # No moment is left out, and none is told twice.
        self.assertEqual((spans[0][0], spans[-1][1]), (first_ms, last_ms), ranges)
        for (start, end), (following, _) in zip(spans, spans[1:] + [(last_ms, None)]):
            self.assertLess(start, end, ranges)
            self.assertEqual(end, following, ranges)
        self.assertEqual([part["duration_ms"] for part in ranges], [end - start for start, end in spans])
        self.assertEqual(coverage["stored_ms"] + coverage["missing_ms"], last_ms - first_ms)
        self.assertEqual(sum(part["duration_ms"] for part in ranges), last_ms - first_ms)
        # Stored and missing take turns.
        self.assertEqual([part["stored"] for part in ranges], [i % 2 == 0 for i in range(len(ranges))], ranges)
        self.assertEqual([part["reason"] for part in ranges if not part["stored"]], reasons)
        # What is said to be stored is what the fragments last, but for the jitter of their arrival.
        self.assertAlmostEqual(coverage["stored_ms"], sum(fragment["duration_ms"] for fragment in fragments), delta=FRAGMENT_MS * len(ranges))
        self.assertEqual(sum(part["fragments"] for part in ranges if part["stored"]), len(fragments))
        # A hole is what lies between the end of a fragment and the beginning of the one that says so.
        expected = [(ms(before["start"]) + before["duration_ms"], ms(after["start"]), after["gap_before"])
                    for before, after in zip(fragments, fragments[1:]) if "gap_before" in after]
        holes = [(*span, part["reason"]) for span, part in zip(spans, ranges) if not part["stored"]]
        self.assertEqual(holes, expected)
        self.check_parts(spans, ranges)
        return holes

    def check_parts(self, spans, ranges):
        """A part of it says the same of that part: asked for from the middle of each range to that of the next."""
        for i in range(len(ranges) - 1):
            start, end = sum(spans[i]) // 2, sum(spans[i + 1]) // 2
            part = self.penstock.get_json(f"/api/v1/streams/{NAME}/coverage?start={start}&end={end}")["ranges"]
            self.assertEqual([(ms(p["start"]), ms(p["end"]), p["stored"], p.get("reason")) for p in part],
                             [(start, spans[i][1], ranges[i]["stored"], ranges[i].get("reason")),
                              (spans[i + 1][0], end, ranges[i + 1]["stored"], ranges[i + 1].get("reason"))])

    def assert_begins_about(self, hole, moment):
        """The camera's last picture had been received by then, but for what a fragment may be off by."""
        self.assertLess(abs(hole[0] - moment), FRAGMENT_MS, hole)

    def test_camera_cut_server_killed_source_removed_no_moment_is_unexplained(self):
        cut = self.cut_the_camera()
        self.penstock.wait_for_open_hole(NAME, "camera-lost")
        self.camera_comes_back()
        self.record()
        killed = self.kill_and_restart()
        back = now_ms()
        self.record()
        removed = self.remove_and_add(self.wait_for_removal)
        self.record()
        stopped = now_ms()
        self.penstock.stop()
        self.penstock.start()
        self.record()

        holes = self.holes(["camera-lost", "restart", "source-removed", "restart"])
        for hole, moment in zip(holes, (cut, killed, removed, stopped)):
            self.assert_begins_about(hole, moment)
        self.assertGreaterEqual(holes[1][1], killed)
        self.assertLess(holes[1][1], back + 15_000)
        self.check_the_table()
        self.check_metrics()

    def check_the_table(self):
        text = self.penstock.cli("stream", "coverage", NAME)
        for words in ("START", "stored: ", "missing: camera lost", "missing: restart", "missing: source removed", "fragments"):
            self.assertIn(words, text)

    def check_metrics(self):
        """Of this server's life: it has ended one hole."""
        counted = {key: value for key, value in self.penstock.metrics().items() if key.startswith("penstock_gap_milliseconds_total") and value}
        last = self.holes(["camera-lost", "restart", "source-removed", "restart"])[-1]
        self.assertEqual(counted, {'penstock_gap_milliseconds_total{reason="restart"}': last[1] - last[0]})

    def test_a_hole_keeps_the_reason_it_began_with_through_a_kill(self):
        self.cut_the_camera()
        self.kill_and_restart()
        self.penstock.wait_for_open_hole(NAME, "camera-lost")
        self.camera_comes_back()
        self.record()
        self.remove_and_add(self.kill_the_server_in_between)
        self.record()
        # What has been noted is good for its own hole only.
        self.kill_and_restart()
        waiting.until("a fragment is on its way", lambda: self.penstock.open_hole(NAME) is None)
        self.record()
        self.holes(["camera-lost", "source-removed", "restart"])

    def test_a_stored_range_with_holes_is_a_playlist_with_discontinuities(self):
        self.cut_the_camera()
        self.camera_comes_back()
        self.record()
        hole = self.holes(["camera-lost"])[0]
        segments = playlists.parse(self.penstock.get(self.penstock.stored_path(NAME)).decode())
        self.assertEqual([segment.sequence for segment in segments], list(range(len(segments))))
        after = next(fragment for fragment in self.penstock.fragments(NAME) if ms(fragment["start"]) >= hole[1])
        broken = [segment for segment in segments[1:] if segment.discontinuity]
        # There, and nowhere else, a player is told that time jumps.
        self.assertEqual([segment.sequence for segment in broken], [after["ordinal"]])
        self.assertLess(abs(ms(broken[0].date) - hole[1]), FRAGMENT_MS)

    def test_the_page_draws_holes_with_their_reasons(self):
        page = browser.Browser()
        self.addCleanup(page.close)
        page.open(self.penstock.url(f"/#stream={NAME}"))
        holes = "[...document.querySelectorAll('#spans b')].map((hole) => hole.dataset.reason)"
        waiting.until("a stored span", lambda: page.evaluate("document.querySelectorAll('#spans i').length"), 30)
        # By the day: an hour may end meanwhile.
        if page.text("#scale") == "Show the day":
            page.click("#scale")
        self.assertEqual(page.evaluate(holes), [])
        self.cut_the_camera()
        waiting.until_equal("the hole that is open", lambda: page.evaluate(holes), ["camera-lost"], 60)
        page.wait_for_text("#ranges .hole", "now", 60)
        page.wait_for_text("#ranges .hole", "missing: camera lost")
        self.camera_comes_back()
        self.record()
        self.remove_and_add(self.wait_for_removal)
        self.record()
        waiting.until_equal("both holes", lambda: page.evaluate(holes), ["camera-lost", "source-removed"], 60)
        for end in ("left", "right"):
            outside = page.evaluate(f"(() => {{ const bar = document.getElementById('timeline').getBoundingClientRect();"
                                    f" const event = new PointerEvent('pointermove', {{clientX: bar.{end}, bubbles: true}});"
                                    " document.getElementById('timeline').dispatchEvent(event);"
                                    " const tip = document.getElementById('hover').getBoundingClientRect();"
                                    " return Math.max(bar.left - tip.left, tip.right - bar.right); })()")
            self.assertLess(outside, 1, f"what is said at the {end} end of the bar stays in sight")
        spot = page.evaluate("(() => { const b = document.querySelector('#spans b').getBoundingClientRect();"
                             " const event = new PointerEvent('pointermove', {clientX: b.left + b.width / 2, bubbles: true});"
                             " document.getElementById('timeline').dispatchEvent(event);"
                             " return document.getElementById('hover').textContent; })()")
        self.assertIn("missing: camera lost", spot)
        page.screenshot("coverage")
        self.assertEqual(page.errors(), [])


if __name__ == "__main__":
    unittest.main()
