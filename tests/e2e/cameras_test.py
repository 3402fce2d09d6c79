"""The two simulated cameras, judged by ffmpeg: what the other tests see through Penstock must be there without it."""

import time
import unittest

from harness import cameras, media, programs

TCP = ("-rtsp_transport", "tcp")
UDP = ("-rtsp_transport", "udp")
FOUR_SECONDS = ("--", "-t", "4")


class CameraTest(unittest.TestCase):
    def start(self, kind, *options):
        camera = kind(*options)
        self.addCleanup(camera.close)
        return camera


class Simulator(CameraTest):
    def clip(self, name):
        return str(programs.ROOT / "build/camsim-media/2000k" / name)

    def test_what_arrives_over_tcp_and_udp_is_the_clip(self):
        camera = self.start(cameras.Simulator)
        # Decoded pictures: start codes may differ.
        decoded = ("--", "-t", "4", "-c:v", "rawvideo")
        video = [packet[1:] for packet in media.packet_hashes(self.clip("video.h264"), *decoded)[0]]
        audio = {packet[1:] for packet in media.packet_hashes(self.clip("audio.aac"), "--", "-bsf:a", "aac_adtstoasc")[0]}
        for transport in (TCP, UDP):
            with self.subTest(transport[1]):
                got = media.packet_hashes(camera.url, *transport, *decoded)
                self.assertGreaterEqual(len(got[0]), 95)
                self.assertEqual([packet[1:] for packet in got[0]][:95], video[:95])
                self.assertGreaterEqual(len(got[1]), 180)
                self.assertLessEqual({packet[1:] for packet in got[1]}, audio)

    def test_every_camera_of_the_count_plays_and_no_other(self):
        camera = self.start(cameras.Simulator, "--count", "3")
        self.assertEqual(media.codecs(camera.camera(2), *TCP), ["h264", "aac"])
        done = programs.run("ffprobe", "-v", "error", *TCP, camera.camera(3), check=False)
        self.assertIn("404", done.stderr)

    def test_digest_lets_in_the_right_password_only(self):
        camera = self.start(cameras.Simulator, "--user", "admin", "--password", "secret")
        self.assertEqual(media.codecs(camera.url_for("admin", "secret"), *TCP), ["h264", "aac"])
        done = programs.run("ffprobe", "-v", "error", *TCP, camera.url_for("admin", "wrong"), check=False)
        self.assertIn("401", done.stderr)

    def test_faults_are_as_ordered(self):
        expected = {  # options -> (pictures, sounds) in four seconds
            ("--silent-audio",): (100, 0),
            ("--stall-video-after", "2"): (50, 188),
            ("--no-audio",): (100, 0),
        }
        for options, (pictures, sounds) in expected.items():
            with self.subTest(options):
                camera = self.start(cameras.Simulator, "--close-after", "4", *options)
                got = media.packet_hashes(camera.url, *TCP)
                self.assertAlmostEqual(len(got.get(0, [])), pictures, delta=6)
                self.assertAlmostEqual(len(got.get(1, [])), sounds, delta=12)
                camera.stop()

    def test_a_client_that_reads_too_slowly_is_counted(self):
        camera = self.start(cameras.Simulator)
        media.packet_hashes(camera.url, *TCP, *FOUR_SECONDS)
        camera.stop()
        self.assertIn('"frames_lost":0', camera.lines[-1])


class Synthetic(CameraTest):
    def test_its_clock_can_be_read_from_the_picture(self):
        camera = self.start(cameras.SyntheticCamera)
        before = time.time() * 1000
        times = media.burnt_in_times(camera.url, *TCP, "-t", "4")
        after = time.time() * 1000
        readable = [t for t in times if t is not None]
        # Until the first key frame the decoder has nothing but differences.
        self.assertGreater(len(readable), len(times) / 2)
        self.assertEqual(readable, sorted(readable))
        self.assertGreater(readable[0], before - 3000)
        self.assertLess(readable[-1], after)

    def test_each_codec_is_what_it_says(self):
        expected = {
            (): ["h264", "aac"],
            ("--video", "h265"): ["hevc", "aac"],
            ("--audio", "latm"): ["h264", "aac"],
            ("--audio", "none", "--bframes", "2"): ["h264"],
            ("--video", "jpeg", "--audio", "pcma"): ["mjpeg", "pcm_alaw"],
            ("--video", "none"): ["aac"],
        }
        for options, codecs in expected.items():
            with self.subTest(options):
                camera = self.start(cameras.SyntheticCamera, *options)
                self.assertEqual(media.codecs(camera.url, *TCP), codecs)
                camera.stop()

    def test_digest_and_udp_only(self):
        camera = self.start(cameras.SyntheticCamera, "--user", "admin", "--password", "secret", "--transport", "udp")
        self.assertEqual(media.codecs(camera.url_for("admin", "secret"), *UDP), ["h264", "aac"])
        done = programs.run("ffprobe", "-v", "error", *TCP, camera.url_for("admin", "secret"), check=False)
        self.assertIn("461", done.stderr)


if __name__ == "__main__":
    unittest.main()
