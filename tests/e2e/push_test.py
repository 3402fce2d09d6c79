"""Publishers push: ffmpeg and GStreamer's rtspclientsink, unmodified."""

import socket
import unittest

from harness import cameras, media, programs, waiting
from harness.server import ServerTest


class Push(ServerTest):
    def setUp(self):
        super().setUp()
        # Makes the clip, too.
        self.start(cameras.Simulator)
        folder = programs.ROOT / "build/camsim-media/2000k"
        # ffmpeg's RTSP needs the sound's parameters at the start, which ADTS does not give.
        self.clip = str(folder / "clip.mp4")
        programs.run("ffmpeg", "-v", "error", "-nostdin", "-y", "-i", folder / "video.h264", "-i", folder / "audio.aac", "-c", "copy",
                     "-bsf:a", "aac_adtstoasc", self.clip)

    def target(self, name):
        return f"rtsp://{self.penstock.rtsp}/{name}"

    def ffmpeg(self, name, *options, seconds="6"):
        return self.start(programs.Program, programs.foreign("ffmpeg"), "-v", "error", "-nostdin", "-re", "-stream_loop", "-1",
                          "-i", self.clip, "-t", seconds, *options, "-f", "rtsp", "-rtsp_transport", "tcp",
                          self.target(name))

    def test_every_picture_that_ffmpeg_pushed_is_stored_and_played_bit_for_bit(self):
        publisher = self.ffmpeg("pushed", "-c", "copy")
        self.assertEqual(publisher.wait(60), 0, publisher.tail())
        self.penstock.wait_for_fragments("pushed", 3)
        url = self.penstock.stored("pushed")
        decoded = ("--", "-map", "0:v", "-t", "5.9", "-c:v", "rawvideo")
        sent = [packet[1:] for packet in media.packet_hashes(self.clip, *decoded)[0]]
        played = [packet[1:] for packet in media.packet_hashes(url, *decoded)[0]]
        # ffmpeg ends with TEARDOWN; what it sent before is stored up to the last picture.
        self.assertGreaterEqual(len(played), 145)
        self.assertEqual(played, sent[:len(played)])
        self.assertEqual(media.decode_errors(url), "")

    def test_sound_stays_beside_the_picture_whichever_begins_first(self):
        # An AAC encoder's first unit is priming, 21 ms before the sound; RTP does not say so and need not: its time stamp does.
        for name, video_after, audio_after in (("sound-first", 0.3, 0), ("picture-first", 0, 0.3), ("together", 0, 0)):
            with self.subTest(name):
                clip = f"{programs.ROOT}/build/camsim-media/{name}.nut"
                programs.run("ffmpeg", "-v", "error", "-nostdin", "-y", "-itsoffset", video_after, "-f", "lavfi", "-i", "testsrc=rate=25",
                             "-itsoffset", audio_after, "-f", "lavfi", "-i", "sine=sample_rate=48000:beep_factor=4", "-t", "4", "-c:v", "libx264",
                             "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-c:a", "aac", clip)
                publisher = self.start(programs.Program, programs.foreign("ffmpeg"), "-v", "error", "-nostdin", "-re", "-i", clip,
                                       "-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", self.target(name))
                self.assertEqual(publisher.wait(60), 0, publisher.tail())
                self.penstock.wait_for_fragments(name, 3)
                sent, played = media.packet_times(clip), media.packet_times(self.penstock.stored(name))
                # All pictures are stored; sound from before the first is not.
                moved = played["video"][0][0] - sent["video"][0][0]
                sent_at = {digest: at for at, digest in sent["audio"]}
                off = [at - moved - sent_at[digest] for at, digest in played["audio"]]
                self.assertGreater(len(off), 150)
                # A run's tracks begin together: sound is shifted by at most half a unit for it, and not at all where it begins later.
                self.assertLess(max(map(abs, off)), 0.002 if name == "picture-first" else 0.0112, off)
                self.assertLess(max(off) - min(off), 0.001, off)

    def test_h265_and_b_frames_from_ffmpeg_play_in_order(self):
        for name, codec in {"hevc": ["libx265", "-x265-params", "log-level=error:keyint=25:bframes=3"],
                            "h264": ["libx264", "-preset", "veryfast", "-g", "25", "-bf", "3"]}.items():
            with self.subTest(name):
                publisher = self.ffmpeg(name, "-c:v", codec[0], *codec[1:], "-vf", "scale=640:360", "-c:a", "copy")
                self.assertEqual(publisher.wait(90), 0, publisher.tail())
                self.penstock.wait_for_fragments(name, 4)
                url = self.penstock.stored(name)
                self.assertEqual(media.codecs(url), [name, "aac"])
                self.assertEqual(media.decode_errors(url), "")

    def test_rtspclientsink_pushes_video_and_latm_audio(self):
        self.start(programs.Program, programs.foreign("gst-launch-1.0"), "-q", "rtspclientsink", "name=sink", "protocols=tcp",
                   "location=" + self.target("gstreamer"), "videotestsrc", "is-live=true", "!", "video/x-raw,width=640,height=360,framerate=25/1",
                   "!", "x264enc", "tune=zerolatency", "key-int-max=25", "threads=1", "!", "h264parse", "!", "sink.",
                   "audiotestsrc", "is-live=true", "!", "audioconvert", "!", "audio/x-raw,rate=48000,channels=2", "!", "avenc_aac",
                   "!", "aacparse", "!", "sink.")
        self.penstock.wait_for_fragments("gstreamer", 3)
        self.assertEqual(sorted(media.codecs(self.penstock.stored("gstreamer"))), ["aac", "h264"])

    def test_ffmpeg_and_rtspclientsink_push_over_udp(self):
        publisher = self.start(programs.Program, programs.foreign("ffmpeg"), "-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", self.clip,
                               "-t", "6", "-c", "copy", "-f", "rtsp", "-rtsp_transport", "udp", self.target("udp"))
        self.start(programs.Program, programs.foreign("gst-launch-1.0"), "-q", "rtspclientsink", "name=sink", "protocols=udp",
                   "location=" + self.target("udp-gstreamer"), "videotestsrc", "is-live=true", "!",
                   "video/x-raw,width=640,height=360,framerate=25/1", "!", "x264enc", "tune=zerolatency", "key-int-max=25", "threads=1", "!",
                   "h264parse", "!", "sink.")
        self.assertEqual(publisher.wait(60), 0, publisher.tail())
        for name, codecs in (("udp", ["aac", "h264"]), ("udp-gstreamer", ["h264"])):
            with self.subTest(name):
                self.penstock.wait_for_fragments(name, 3)
                url = self.penstock.stored(name)
                self.assertEqual(sorted(media.codecs(url)), codecs)
        # rtspclientsink begins with two sets of parameters; ffmpeg 5's HLS reader keeps to the first.
        self.assertEqual(media.decode_errors(self.penstock.stored("udp")), "")

    def test_a_second_publisher_of_the_same_stream_is_refused(self):
        self.ffmpeg("busy", "-c", "copy", seconds="60")
        self.penstock.wait_for_fragments("busy", 1)
        second = self.ffmpeg("busy", "-c", "copy")
        self.assertNotEqual(second.wait(60), 0)
        self.assertEqual(self.penstock.publication("busy")["state"], "recording")

    def test_a_thousand_announcements_without_media_leave_no_stream(self):
        sdp = "v=0\r\ns=x\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:v\r\n"
        host, port = self.penstock.rtsp.split(":")
        for i in range(1000):
            with socket.create_connection((host, int(port)), timeout=10) as connection:
                connection.sendall(f"ANNOUNCE {self.target(f'new-{i}')} RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\n"
                                   f"Content-Length: {len(sdp)}\r\n\r\n{sdp}".encode())
                self.assertIn(b"200 OK", connection.recv(4096))
        waiting.until("nobody publishes", lambda: self.penstock.metric("penstock_publications") == 0)
        self.assertEqual(self.penstock.get_json("/api/v1/streams")["streams"], [])
        self.assertEqual(self.penstock.cli_json("source", "status")["publications"], [])

    def test_a_codec_that_cannot_be_stored_is_refused_by_name(self):
        publisher = self.ffmpeg("odd", "-c:v", "mpeg2video", "-an")
        self.assertNotEqual(publisher.wait(60), 0)
        # ffmpeg shows the status and its words, which are the answer to ANNOUNCE.
        self.assertIn("415 Unsupported Media Type: MPV cannot be recorded", publisher.tail())
        self.assertEqual([s["name"] for s in self.penstock.cli_json("stream", "list")["streams"] if s["name"] == "odd" and s["items"]], [])


if __name__ == "__main__":
    unittest.main()
