"""Sessions of ContainerFormat MPEG_TS: the URL that boto3 gets, in ffmpeg and in hls.js."""

import itertools
import pathlib
import re
import subprocess
import unittest
import urllib.request

import botocore.exceptions

from harness import browser, cameras, media, playlists, sessions, waiting
from harness.server import ServerTest

SEGMENT = re.compile(r"^getTSFragment\.ts\?FragmentNumber=(\d{47})&SessionToken=\S+&TrackNumber=1$", re.MULTILINE)
SHOWN = "document.getElementById('session').currentTime"


def complaints(url):
    """What ffmpeg and ffprobe have to say of it at their most talkative that still means something: empty if all is well."""
    done = subprocess.run(["ffprobe", "-v", "warning", "-show_packets", "-of", "csv", url], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=True)
    return done.stderr + media.decode_errors(url)


class Transport(ServerTest):
    def record(self, *options, stream="door", count=4, stop=False):
        camera = self.start(cameras.SyntheticCamera, *options)
        self.penstock.add_source(stream, camera.url)
        self.penstock.wait_for_fragments(stream, count)
        if stop:
            self.penstock.remove_source(stream)
        return self.penstock.fragments(stream)

    def url(self, stream="door", container="MPEG_TS", **arguments):
        return sessions.hls_url(self, stream, ContainerFormat=container, **arguments)

    def range(self, fragments):
        return {"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": sessions.time_range(fragments)}

    def segments(self, url):
        """The names in the session's media playlist, in full, and its text."""
        text = sessions.media_playlist(self, url)
        folder = url.rsplit("/", 1)[0]
        return [f"{folder}/{found[0]}" for found in SEGMENT.finditer(text)], text

    def test_a_range_is_whole_in_ffmpeg_and_each_segment_stands_alone(self):
        for stream, options in (("reordered", ("--bframes", "2")), ("telephone", ("--audio", "pcmu")), ("h265", ("--video", "h265"))):
            with self.subTest(stream):
                self.check_range(stream, options)

    def check_range(self, stream, options):
        fragments = self.record(*options, stream=stream, stop=True)
        url = self.url(stream, PlaybackMode="ON_DEMAND", DisplayFragmentTimestamp="ALWAYS", HLSFragmentSelector=self.range(fragments))
        names, text = self.segments(url)
        self.assertEqual(SEGMENT.findall(text), [fragment["number"] for fragment in fragments])
        self.assertIn("#EXT-X-VERSION:3\n", text)
        self.assertNotIn("EXT-X-MAP", text)
        dates = [playlists.unix_ms(date) for date in re.findall(r"PROGRAM-DATE-TIME:(\S+)", text)]
        self.assertEqual(dates, [playlists.unix_ms(fragment["start"]) for fragment in fragments])
        # Whole, by way of the list and as one file.
        joined = pathlib.Path(self.penstock.data) / "joined.ts"
        with open(joined, "wb") as out:
            for name in names:
                with urllib.request.urlopen(name, timeout=20) as answer:
                    self.assertEqual(answer.headers["Content-Type"], "video/mp2t")
                    self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")
                    out.write(answer.read())
        lengths = [float(length) for length in re.findall(r"EXTINF:([\d.]+)", text)]
        self.assertEqual(complaints(url), "")
        for name, length in [(str(joined), sum(lengths)), *zip(names, lengths, strict=True)]:
            self.assertEqual(complaints(name), "", name)
            pictures = sorted(at for at, _ in media.packet_times(name)["video"])
            step = pictures[1] - pictures[0]
            self.assertAlmostEqual(pictures[-1] - pictures[0] + step, length, delta=0.1, msg=name)
        # The pictures and units of sound are those of the other container.
        other = sessions.hls_url(self, stream, PlaybackMode="ON_DEMAND", HLSFragmentSelector=self.range(fragments))
        mine, theirs = self.decoded(str(joined)), self.decoded(other)
        self.assertGreater(len(mine["v"]), 50)
        self.assertEqual(mine, theirs)

    @staticmethod
    def decoded(url):
        out = {}
        for kind in "va":
            done = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", url, "-map", f"0:{kind}", "-fps_mode", "passthrough", "-c:a", "pcm_s16le",
                                   "-f", "framehash", "-hash", "md5", "-"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                                  check=True)
            out[kind] = [line.split(",")[-1] for line in done.stdout.splitlines() if not line.startswith("#")]
        return out

    def play(self, url):
        page = self.start(browser.Browser)
        page.open(self.penstock.url("/"))
        page.evaluate(sessions.PLAY % url)
        return page

    def plays(self, page, seconds):
        first = waiting.until("it plays", lambda: page.evaluate(SHOWN), 40)
        waiting.until("it goes on", lambda: page.evaluate(SHOWN) > first + seconds, 40)
        self.assertEqual(page.evaluate("window.sessionErrors"), [])
        self.assertGreater(page.evaluate("document.getElementById('session').getVideoPlaybackQuality().totalVideoFrames"), 20 * seconds)

    def test_a_live_session_slides_and_plays_in_chromium(self):
        self.record("--bframes", "2")
        url = self.url()
        page = self.play(url)
        self.plays(page, 5)
        page.screenshot("session_ts")
        before = self.segments(url)[1]
        self.assertNotIn("ENDLIST", before)
        number = re.compile(r"MEDIA-SEQUENCE:(\d+)")
        waiting.until("the list slides", lambda: int(number.search(self.segments(url)[1])[1]) > int(number.search(before)[1]), 20)

    def test_a_range_and_a_replay_of_it_play_in_chromium(self):
        """Of the fMP4 too, whose live sessions session_test plays."""
        fragments = self.record(count=9, stop=True)
        selector = self.range(fragments)
        for container, mode, discontinuities in itertools.product(("MPEG_TS", "FRAGMENTED_MP4"), ("ON_DEMAND", "LIVE_REPLAY"), ("ALWAYS", "NEVER")):
            with self.subTest(container=container, mode=mode, discontinuities=discontinuities):
                page = self.play(self.url(container=container, PlaybackMode=mode, DiscontinuityMode=discontinuities, HLSFragmentSelector=selector))
                self.plays(page, 4)
                page.close()

    def test_opus_is_refused_by_its_name(self):
        self.record("--audio", "opus")
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            self.url()
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], "UnsupportedStreamMediaTypeException")
        self.assertIn("Opus", error["Message"])
        self.assertTrue(sessions.hls_url(self, "door", ContainerFormat="FRAGMENTED_MP4"))


if __name__ == "__main__":
    unittest.main()
