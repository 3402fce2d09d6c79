"""Sound that is not AAC: stored as the camera sends it, and heard in HLS where it belongs beside the picture."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import numpy

from harness import browser, cameras, media, programs, waiting
from harness.server import ServerTest

RATE = 8000
CAMERA = ("--width", "320", "--height", "180", "--kbps", "300")


def heard(source):
    """The whole sound, mono, from the time the first track begins; silence before its own beginning."""
    command = [programs.foreign("ffmpeg"), "-v", "error", "-i", str(source), "-map", "0:a", "-af", "aresample=async=1:first_pts=0",
               "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    return numpy.frombuffer(subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=120).stdout, numpy.float32)


def ticks(sound):
    """When it ticks, seconds: where a short burst begins after at least half a second without one."""
    begins, last = [], -RATE
    for at in numpy.flatnonzero(numpy.abs(sound) > 0.05):
        if at - last > RATE // 2:
            begins.append(at / RATE)
        last = at
    return begins


class Sound(ServerTest):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-e2e-sound-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def record(self, codec, *options):
        """A finished recording: what is stored of it, as a file; what is played of it, as a URL."""
        camera = self.start(cameras.SyntheticCamera, "--audio", codec, *CAMERA, *options)
        self.penstock.add_source(codec, camera.url)
        self.penstock.wait_for_fragments(codec, 8)
        self.penstock.remove_source(codec)
        file = self.folder / f"{codec}.mkv"
        self.penstock.cli("export", codec, "-o", file)
        return file, self.penstock.stored(codec)

    def check(self, codec, stored_as, played_as):
        file, url = self.record(codec)
        self.assertEqual(sorted(media.codecs(file)), sorted(["h264", stored_as]))
        self.assertEqual(sorted(media.codecs(url)), sorted(["h264", played_as]))
        stored, played = ticks(heard(file)), ticks(heard(url))
        self.assertGreaterEqual(len(stored), 6)
        mp4 = file.with_suffix(".mp4")
        self.penstock.cli("export", codec, "-o", mp4)
        self.assertEqual(sorted(media.codecs(mp4)), sorted(["h264", played_as]))
        self.assertEqual(ticks(heard(mp4)), played)
        # The last may fall into what the encoder still waits for.
        self.assertIn(len(stored) - len(played), (0, 1))
        for at_stored, at_played in zip(stored, played):
            self.assertAlmostEqual(at_played, at_stored, delta=0.01)

    def test_opus_is_stored_and_played_as_it_is(self):
        self.check("opus", "opus", "opus")

    def test_g711_mu_law_is_stored_as_it_is_and_played_as_aac(self):
        self.check("pcmu", "pcm_mulaw", "aac")

    def test_g711_a_law_is_stored_as_it_is_and_played_as_aac(self):
        self.check("pcma", "pcm_alaw", "aac")

    def test_chromium_hears_them_beside_the_picture(self):
        page = browser.Browser()
        self.addCleanup(page.close)
        for codec in ("opus", "pcmu"):
            camera = self.start(cameras.SyntheticCamera, "--audio", codec, *CAMERA)
            self.penstock.add_source(codec, camera.url)
            self.penstock.wait_for_fragments(codec, 4)
            page.open("about:blank")
            page.open(self.penstock.url(f"/#stream={codec}"))
            page.wait_until_playing()
            # Half a second of Opus is about as much.
            waiting.until(f"{codec} is decoded", lambda: page.evaluate("document.querySelector('video').webkitAudioDecodedByteCount") > 2000)
            self.penstock.cli("source", "remove", codec)
        self.assertEqual(page.errors(), [])

    def test_a_camera_of_sound_alone(self):
        file, url = self.record("pcma", "--video", "none")
        self.assertEqual((media.codecs(file), media.codecs(url)), (["pcm_alaw"], ["aac"]))
        self.assertGreater(len(ticks(heard(url))), 6)


if __name__ == "__main__":
    unittest.main()
