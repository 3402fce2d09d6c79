"""Cameras whose clocks are wrong (camsim --fault), pulled by the real server: no splits, no stretched times, and everybody can see it."""

import json
import unittest

from harness import cameras, media, playlists, programs
from harness.server import ServerTest

GROUP_MS = 2000  # the simulator's key frames

# name -> (the reasons that are counted, whether fragments show it, whether producer times are believed at the end)
FAULTS = {
    "hours-off": ({"report_insane"}, False, False),
    "ntp-step-back": ({"report_doubt", "report_jump"}, True, True),
    "wild-reports": ({"report_doubt", "report_jump"}, True, False),
    "frozen-reports": ({"report_frozen"}, True, True),
    "stamp-leap-forward": ({"stamp_leap"}, True, True),
    "stamp-leap-back": ({"stamp_leap"}, True, True),
    "stamps-zero": ({"stamp_frozen"}, True, True),
    "wrap": (set(), False, True),
}


class Time(ServerTest):
    def anomalies(self):
        prefix = 'penstock_clock_anomalies_total{reason="'
        return {name[len(prefix):-2]: value for name, value in self.penstock.metrics().items() if name.startswith(prefix)}

    def test_a_wrong_clock_neither_splits_nor_stretches_a_recording_and_is_seen(self):
        for fault in FAULTS:
            camera = self.start(cameras.Simulator, "--fault", fault)
            self.penstock.add_source(fault, camera.url)
        # 28 s: five reports and more.
        for fault in FAULTS:
            self.penstock.wait_for_fragments(fault, 14, 120)
        counted = {reason for reason, count in self.anomalies().items() if count > 0}
        for fault, (reasons, shown, believed) in FAULTS.items():
            with self.subTest(fault):
                fragments = self.penstock.fragments(fault)
                self.assertEqual([i for i, f in enumerate(fragments) if "starts-run" in f["flags"]], [0], "runs were begun because of a clock")
                self.assertEqual([f for f in fragments if "no-keyframe" in f["flags"]], [], "fragments were cut because of a clock")
                numbers = [int(f["number"]) for f in fragments]
                self.assertEqual(numbers, sorted(set(numbers)))
                # Where a camera's stamps are no use, its pictures last as long as they took to come.
                slack = 700 if fault == "stamps-zero" else 150
                for fragment in fragments[1:]:
                    self.assertAlmostEqual(fragment["duration_ms"], GROUP_MS, delta=slack)
                self.assertEqual(any("clock-jump" in f["flags"] for f in fragments), shown, fragments)
                self.assertEqual("producer-time" in fragments[-1]["flags"], believed, fragments[-1])
                self.assertLessEqual(reasons, counted)
                self.check_plays(fault, playlists.unix_ms(fragments[-1]["start"]))
        self.assertEqual(counted, set().union(*(reasons for reasons, _, _ in FAULTS.values())))

    def check_plays(self, name, end):
        # All but the newest fragment: more come while this looks.
        path = f"/hls/{name}/index.m3u8?start={end - 3_600_000}&end={end}"
        segments = playlists.parse(self.penstock.get(path).decode())
        self.assertFalse(any(segment.discontinuity for segment in segments[1:]))
        listed = sum(segment.seconds for segment in segments)
        url = self.penstock.url(path)
        text = programs.run("ffprobe", "-v", "error", "-show_entries", "packet=stream_index,pts_time,dts_time,duration_time", "-of", "json", url)
        spans = {}
        for packet in json.loads(text)["packets"]:
            begin, end = spans.get(packet["stream_index"], (float("inf"), 0))
            pts = float(packet["pts_time"])
            spans[packet["stream_index"]] = (min(begin, pts), max(end, pts + float(packet.get("duration_time", 0))))
        self.assertEqual(len(spans), 2, "sound and pictures")
        for begin, end in spans.values():
            self.assertAlmostEqual(end - begin, listed, delta=1)
        # Sound ends where the pictures end.
        ends = [end for _, end in spans.values()]
        self.assertAlmostEqual(ends[0], ends[1], delta=0.7)
        if name != "stamps-zero":  # half a second of its pictures have one time: then it is noticed
            self.assertEqual(media.decode_errors(url), "")


if __name__ == "__main__":
    unittest.main()
