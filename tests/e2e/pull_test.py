"""Penstock pulls from cameras: gst-rtsp-server, with Digest and over UDP, and the simulator with its faults."""

import tempfile
import unittest

from harness import cameras, media, playlists, waiting
from harness.server import ServerTest


class Pull(ServerTest):
    def pull(self, name, camera, *options, url=None):
        self.penstock.add_source(name, url or camera.url, *options)
        return camera

    def check_plays(self, name, codecs):
        self.penstock.wait_for_fragments(name, 3)
        url = self.penstock.stored(name)
        self.assertEqual(media.codecs(url), codecs)
        self.assertEqual(media.decode_errors(url), "")
        return url

    def test_tcp_with_digest(self):
        camera = self.start(cameras.SyntheticCamera, "--user", "admin", "--password", "secret")
        self.pull("digest", camera, url=camera.url_for("admin", "secret"))
        self.check_plays("digest", ["h264", "aac"])
        self.assertNotIn("secret", self.penstock.cli("source", "list"))
        self.assertNotIn("secret", self.penstock.program.tail(1000))

    def test_udp_only_camera_is_reached_by_falling_back_or_by_choice(self):
        camera = self.start(cameras.SyntheticCamera, "--transport", "udp")
        self.pull("fallback", camera)
        self.check_plays("fallback", ["h264", "aac"])
        self.pull("chosen", camera, "--transport", "udp")
        self.check_plays("chosen", ["h264", "aac"])

    def test_codecs_and_shapes(self):
        for name, options, codecs in [
                ("h265", ("--video", "h265", "--width", "640", "--height", "360"), ["hevc", "aac"]),
                ("bframes", ("--bframes", "2"), ["h264", "aac"]),
                ("latm", ("--audio", "latm"), ["h264", "aac"]),
                ("videoonly", ("--audio", "none"), ["h264"]),
                ("audioonly", ("--video", "none"), ["aac"])]:
            with self.subTest(name):
                camera = self.start(cameras.SyntheticCamera, *options)
                self.pull(name, camera)
                self.check_plays(name, codecs)
                camera.stop()

    def test_a_change_of_resolution_is_a_new_init_and_a_discontinuity(self):
        camera = self.start(cameras.SyntheticCamera, "--resize-after", "6")
        self.pull("resized", camera)

        def segments():
            return playlists.parse(self.penstock.get(self.penstock.stored_path("resized")).decode())
        self.penstock.wait_for_fragments("resized", 1)
        waiting.until("two fragments of the new size", lambda: len({s.init for s in segments()}) == 2 and segments()[-2].init == segments()[-1].init, 40)
        groups = {}
        for segment in segments():
            groups.setdefault(segment.init, []).append(segment)
        self.assertEqual([group[0].discontinuity for group in groups.values()], [False, True])
        # ffmpeg 5's HLS reader keeps to the first init segment, so each run is given to it by itself.
        widths = []
        for init, group in groups.items():
            with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
                for uri in [init, *(segment.uri for segment in group)]:
                    file.write(self.penstock.get(f"/hls/resized/{uri}"))
                file.flush()
                self.assertEqual(media.decode_errors(file.name), "")
                widths.append(media.streams(file.name)[0]["width"])
        self.assertEqual(widths, [1280, 640])

    def test_a_camera_that_comes_back_is_recorded_again(self):
        camera = self.start(cameras.SyntheticCamera)
        self.pull("restless", camera)
        self.penstock.wait_for_fragments("restless", 2)
        camera.stop()
        self.penstock.wait_for_state("restless", "failed")
        before = len(self.penstock.fragments("restless"))
        again = self.start(cameras.SyntheticCamera, "--port", camera.port)
        self.penstock.wait_for_fragments("restless", before + 3)
        self.penstock.wait_for_state("restless", "recording")
        numbers = [fragment["number"] for fragment in self.penstock.fragments("restless")]
        self.assertEqual(numbers, sorted(set(numbers)))
        again.stop()

    def test_status_says_in_plain_words_what_is_wrong(self):
        guarded = self.start(cameras.SyntheticCamera, "--user", "admin", "--password", "secret")
        odd = self.start(cameras.SyntheticCamera, "--video", "vp8", "--audio", "none")
        keyless = self.start(cameras.Simulator, "--no-key-frames")
        stalled = self.start(cameras.Simulator, "--stall-video-after", "3")
        self.pull("password", guarded, url=guarded.url_for("admin", "wrong"))
        self.pull("path", guarded, url=guarded.url_for("admin", "secret") + "-not")
        self.pull("codec", odd)
        self.pull("keyless", keyless)
        self.pull("stalled", stalled)
        self.pull("nobody", None, url="rtsp://127.0.0.1:1/camera")
        for name, reason in {"password": "401", "path": "404", "codec": "VP8", "nobody": "refused", "keyless": "no key frame",
                             "stalled": "no data on track"}.items():
            with self.subTest(name):
                def said(name=name, reason=reason):
                    publication = self.penstock.publication(name) or {}
                    return reason.lower() in publication.get("reason", "").lower()
                try:
                    waiting.until(f"{name}: {reason}", said, 60, pause=0.2)
                except waiting.NotInTime as error:
                    self.fail(f"{error}; {self.penstock.publication(name)}")

    def test_sources_survive_a_restart_and_removal_is_final(self):
        camera = self.start(cameras.Simulator)
        self.pull("kept", camera)
        self.pull("gone", camera)
        self.penstock.wait_for_fragments("kept", 2)
        self.penstock.cli("source", "remove", "gone")
        self.penstock.stop()
        self.penstock.start()
        self.penstock.wait_for_fragments("kept", len(self.penstock.fragments("kept")) + 2)
        self.assertEqual([source["name"] for source in self.penstock.cli_json("source", "list")["sources"]], ["kept"])

    def test_lost_packets_are_counted_and_the_fragment_says_so(self):
        camera = self.start(cameras.Simulator, "--drop-every", "300", "--reorder-every", "7")
        self.pull("lossy", camera, "--transport", "udp")
        fragments = self.penstock.wait_for_fragments("lossy", 3)
        self.assertTrue(any("damaged" in fragment["flags"] for fragment in fragments), fragments)
        self.assertGreater(self.penstock.publication("lossy")["tracks"][0]["packets_lost"], 0)


if __name__ == "__main__":
    unittest.main()
