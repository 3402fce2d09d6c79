"""RTSP over TLS, from both ends: gst-rtsp-server with a certificate of its own, ffmpeg and rtspclientsink at the door for publishers."""

import pathlib
import shutil
import signal
import ssl
import tempfile
import unittest

from harness import cameras, media, playlists, programs, waiting
from harness.server import Penstock, ServerTest


class Tls(ServerTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="penstock-e2e-tls-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.certificate, self.key = self.make_certificate("mine")
        self.options = ("--rtsps", "127.0.0.1:0", "--tls-certificate", self.certificate, "--tls-key", self.key)
        super().setUp()

    def make_certificate(self, name):
        certificate, key = str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key")
        programs.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "2", "-out", certificate,
                     "-keyout", key)
        return certificate, key

    def fingerprint(self, certificate):
        return programs.run("openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256").strip().split("=")[1]

    def check_plays(self, name):
        """From the second fragment on: GStreamer's RTSP server, where it is slow to begin, sends two pictures and then begins anew at the same
        times, which is stored as it came (and flagged)."""
        stored = self.penstock.wait_for_fragments(name, 3)
        start, end = (playlists.unix_ms(stored[i]["start"]) for i in (1, 2))
        url = self.penstock.hls(name, f"?start={start + 1}&end={end}")
        self.assertEqual(sorted(media.codecs(url)), ["aac", "h264"])
        self.assertEqual(media.decode_errors(url), "")

    def test_a_camera_with_a_self_signed_certificate_is_recorded_once_it_is_accepted(self):
        certificate, key = self.make_certificate("camera")
        camera = self.start(cameras.SyntheticCamera, "--tls-certificate", certificate, "--tls-key", key, "--user", "admin", "--password", "secret")
        url = camera.url_for("admin", "secret")
        self.assertTrue(url.startswith("rtsps://admin:secret@"), url)
        accepted = self.fingerprint(certificate)
        plain = accepted.replace(":", "").lower()
        self.penstock.add_source("refused", url)
        said = self.penstock.wait_for_state("refused", "failed", "self-signed")["reason"]
        self.assertIn(f"its SHA-256 fingerprint is {plain}", said)
        self.assertIn("--tls-fingerprint", said)
        self.penstock.add_source("other", url, "--tls-fingerprint", self.fingerprint(self.certificate))
        self.penstock.wait_for_state("other", "failed", f"{plain}, which is not the accepted one")
        # As the status says it, and as openssl does.
        self.penstock.add_source("plain", url, "--tls-fingerprint", plain)
        self.penstock.add_source("colons", url, "--tls-fingerprint", accepted)
        self.check_plays("plain")
        self.check_plays("colons")
        self.assertNotIn("secret", self.penstock.cli("source", "list"))
        self.assertNotIn("secret", self.penstock.program.tail(1000))
        # The camera ends; the source tries again, and its TLS with it.
        camera.stop()
        self.penstock.wait_for_state("plain", "failed")

    def test_ffmpeg_and_rtspclientsink_push_over_tls(self):
        door = self.penstock._announced(r"rtsps://([^/]+)/")
        publisher = self.start(programs.Program, programs.foreign("ffmpeg"), "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i",
                               "testsrc=size=640x360:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "6", "-c:v", "libx264",
                               "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-c:a", "aac", "-f", "rtsp", "-rtsp_transport", "tcp",
                               f"rtsps://{door}/film")
        self.start(programs.Program, programs.foreign("gst-launch-1.0"), "-q", "rtspclientsink", "name=sink", "protocols=tcp+tls",
                   "tls-validation-flags=0", f"location=rtsps://{door}/gstreamer", "videotestsrc", "is-live=true", "!",
                   "video/x-raw,width=640,height=360,framerate=25/1", "!", "x264enc", "tune=zerolatency", "key-int-max=25", "threads=1", "!",
                   "h264parse", "!", "sink.", "audiotestsrc", "is-live=true", "!", "audioconvert", "!", "audio/x-raw,rate=48000,channels=2", "!",
                   "avenc_aac", "!", "aacparse", "!", "sink.")
        self.assertEqual(publisher.wait(60), 0, publisher.tail())
        self.check_plays("film")
        # It begins with two sets of parameters, as without TLS; ffmpeg 5's HLS reader keeps to the first.
        self.penstock.wait_for_fragments("gstreamer", 3)
        self.assertEqual(sorted(media.codecs(self.penstock.stored("gstreamer"))), ["aac", "h264"])

    def test_a_renewed_certificate_is_taken_with_a_reload(self):
        config = self.folder / "penstock.yaml"
        config.write_text(f"rtsps: 127.0.0.1:0\ntls:\n  certificate: {self.certificate}\n  key: {self.key}\n")
        server = Penstock(options=("--config", config))
        self.addCleanup(server.close)
        host, port = server._announced(r"rtsps://([^/]+)/").split(":")

        def shown():
            return ssl.get_server_certificate((host, int(port))).strip()

        def reload(says):
            server.program.process.send_signal(signal.SIGHUP)
            waiting.until(says, lambda: says in server.program.tail())
        self.assertEqual(shown(), pathlib.Path(self.certificate).read_text().strip())
        before = shown()
        for new, old in zip(self.make_certificate("renewed"), (self.certificate, self.key)):
            shutil.copy(new, old)
        reload("configuration reloaded")
        self.assertNotEqual(shown(), before)
        self.assertEqual(shown(), pathlib.Path(self.certificate).read_text().strip())
        before = shown()
        pathlib.Path(self.key).write_text("no key")
        reload("configuration not reloaded")
        self.assertEqual(shown(), before)

    def test_a_faulty_certificate_is_named_at_the_start_and_by_config_check(self):
        _, other = self.make_certificate("other")
        config = self.folder / "penstock.yaml"
        for certificate, key, words in ((self.folder / "none.pem", self.key, "none.pem: cannot be read: No such file"),
                                        (self.certificate, other, "other.key: the key does not belong to the certificate in"),
                                        (self.key, self.key, "mine.key: no certificate in PEM form")):
            with self.subTest(words):
                config.write_text(f"rtsps: 127.0.0.1:0\ntls:\n  certificate: {certificate}\n  key: {key}\n")
                checked = self.start(programs.Program, programs.ours("penstock"), "config", "check", config)
                self.assertNotEqual(checked.wait(20), 0)
                self.assertIn(words, checked.tail())
                server = self.start(programs.Program, programs.ours("penstock"), "serve", "--config", config, "--data",
                                    self.folder / "data", "--http", "off", "--rtsp", "off")
                self.assertNotEqual(server.wait(20), 0)
                self.assertIn(words, server.tail())


if __name__ == "__main__":
    unittest.main()
