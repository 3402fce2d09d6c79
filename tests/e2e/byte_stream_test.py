"""PutMedia of H.264 and H.265 as byte streams (Annex B): stored as they came, and played everywhere. Debian's Python has boto3: /usr/bin/python3."""

import base64
import pathlib
import shutil
import tempfile
import unittest

from harness import browser, media, playlists, producer, programs, sessions, waiting
from harness.server import ServerTest

START = 1_768_478_400_000
SECONDS = 5
ENCODERS = {
    # Several slices a picture, delimiters, parameter sets before each key frame.
    "h264": ("-c:v", "libx264", "-x264-params", "repeat-headers=1:bframes=2:aud=1:slices=3:keyint=25:min-keyint=25:scenecut=0:log-level=error"),
    "hevc": ("-c:v", "libx265", "-x265-params",
             "bframes=2:b-adapt=0:aud=1:slices=2:keyint=25:min-keyint=25:scenecut=0:open-gop=0:repeat-headers=1:log-level=error"),
}
CODEC = {"h264": b"V_MPEG4/ISO/AVC", "hevc": b"V_MPEGH/ISO/HEVC"}
SETS = {"h264": "7|8", "hevc": "32|33|34"}


class Film:
    """What an encoder makes, as it makes it: its packets are byte streams, here as they lie one behind the other."""

    def __init__(self, folder, codec, size="320x180", name="film"):
        self.codec, self.path, self.folder = codec, pathlib.Path(folder, f"{name}.nut"), folder
        programs.run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25", "-t", str(SECONDS), "-pix_fmt", "yuv420p",
                     *ENCODERS[codec], self.path)
        self.packets = self.read()

    def read(self, bsf=None):
        """[(presentation time in ms, whether it is a key frame, bytes), ...] in order of decoding."""
        raw = pathlib.Path(self.folder, "raw." + self.codec)
        options = ("-bsf:v", bsf) if bsf else ()
        nut = pathlib.Path(self.folder, "read.nut")
        programs.run("ffmpeg", "-v", "error", "-y", "-i", self.path, "-c", "copy", *options, nut)
        programs.run("ffmpeg", "-v", "error", "-y", "-i", nut, "-c", "copy", "-f", self.codec, raw)
        found = programs.run("ffprobe", "-v", "error", "-show_entries", "packet=pts_time,flags,size", "-of", "csv=p=0", nut)
        data, packets, at = raw.read_bytes(), [], 0
        for time, size, flags in (line.split(",")[:3] for line in found.split()):
            packets.append((round(float(time) * 1000), flags.startswith("K"), data[at:at + int(size)]))
            at += int(size)
        assert at == len(data), "the file is its packets"
        assert all(packet.startswith((b"\0\0\1", b"\0\0\0\1")) for _, _, packet in packets)
        begin = packets[0][0]
        return [(time - begin, key, packet) for time, key, packet in packets]

    def parameter_sets(self):
        """Without pictures."""
        first = self.packets[0][2]
        return first[:first.index(b"\0\0\1\x65" if self.codec == "h264" else b"\0\0\1\x28")].rstrip(b"\0")

    def pictures(self):
        return [packet[1:] for packet in media.packet_hashes(self.path, "--", "-map", "0:v", "-c:v", "rawvideo")[0]]


def clusters(packets, start=START):
    """One per key frame."""
    found = []
    for time, key, data in packets:
        if key:
            found.append([time, producer.open_ended(0x1F43B675) + producer.uint(0xE7, start + time)])
        found[-1][1] += producer.block(time - found[-1][0], data, key=key)
    return [cluster for _, cluster in found]


class ByteStream(ServerTest):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-e2e-byte-stream-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def create(self, name="door"):
        self.penstock.cli("stream", "create", name)

    def upload(self, *documents, name="door"):
        """Each a header and its clusters."""
        connection = producer.Producer(self.penstock.http, name)
        self.addCleanup(connection.close)
        count = 0
        for header, parts in documents:
            for data in (header, *parts):
                connection.send(data)
            count += len(parts)
        connection.finish()
        self.assertEqual(len([ack for ack in connection.wait_for_end() if ack["EventType"] == "PERSISTED"]), count, connection.acks("ERROR"))

    def pictures_of(self, url, *options):
        return [packet[1:] for packet in media.packet_hashes(url, *options, "--", "-map", "0:v", "-c:v", "rawvideo")[0]]

    def selector(self, fragments, kind="HLSFragmentSelector"):
        return {kind: {"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": sessions.time_range(fragments)}}

    def check_everywhere(self, film, parts, name="door"):
        fragments = self.penstock.fragments(name)
        self.assertEqual(len(fragments), len(parts))
        numbers = [fragment["number"] for fragment in fragments]
        sent = sessions.archive(self, name).get_media_for_fragment_list(StreamName=name, Fragments=numbers)["Payload"].read()
        for part in parts:
            self.assertIn(part, sent, "GetMedia gives back what came")
        pictures = film.pictures()
        self.assertEqual(len(pictures), 25 * SECONDS)
        places = {"own HLS": self.penstock.stored(name)}
        for container in ("FRAGMENTED_MP4", "MPEG_TS"):
            places["HLS in " + container] = sessions.hls_url(self, name, PlaybackMode="ON_DEMAND", ContainerFormat=container,
                                                             **self.selector(fragments))
        archive = sessions.archive(self, name, "GET_DASH_STREAMING_SESSION_URL")
        places["DASH"] = archive.get_dash_streaming_session_url(StreamName=name, PlaybackMode="ON_DEMAND",
                                                                **self.selector(fragments, "DASHFragmentSelector"))["DASHStreamingSessionURL"]
        for form in ("clip", "mp4"):
            places[form] = self.folder / f"{form}.mp4"
        places["clip"].write_bytes(sessions.archive(self, name).get_clip(
            StreamName=name, **self.selector(fragments, "ClipFragmentSelector"))["Payload"].read())
        places["mp4"].write_bytes(self.penstock.get(f"/api/v1/streams/{name}/export?format=mp4"))
        for place, url in places.items():
            with self.subTest(place):
                self.assertEqual(self.pictures_of(url), pictures)
                self.assertEqual(media.decode_errors(url), "")
        self.check_image(film, fragments, name)

    def check_image(self, film, fragments, name):
        start = playlists.unix_ms(fragments[0]["producer_start"]) / 1000
        images = sessions.archive(self, name).get_images(StreamName=name, ImageSelectorType="PRODUCER_TIMESTAMP", StartTimestamp=start,
                                                         EndTimestamp=start + SECONDS, SamplingInterval=3000, Format="PNG")["Images"]
        self.assertNotIn("Error", images[0])
        shown, own = self.folder / "shown.png", self.folder / "own.png"
        shown.write_bytes(base64.b64decode(images[0]["ImageContent"]))
        for number, alike in ((0, True), (25, False)):
            programs.run("ffmpeg", "-v", "error", "-y", "-i", film.path, "-vf", f"select=eq(n\\,{number})", "-frames:v", "1", own)
            # Scalers differ in what they make of colours.
            likeness = programs.run("ffmpeg", "-v", "error", "-i", shown, "-i", own, "-lavfi", "psnr=stats_file=-", "-f", "null", "-")
            self.assertEqual(float(likeness.split("psnr_avg:")[1].split()[0]) > 27, alike, likeness)

    def test_without_private_data_every_picture_is_the_encoders_everywhere(self):
        for codec in ENCODERS:
            with self.subTest(codec):
                film = Film(self.folder, codec, name=codec)
                parts = clusters(film.packets)
                self.create(codec)
                self.upload((producer.header(CODEC[codec], None), parts), name=codec)
                self.check_everywhere(film, parts, codec)

    def test_the_status_says_what_pictures_are_once_they_have_come(self):
        self.create()
        connection = producer.Producer(self.penstock.http, "door")
        self.addCleanup(connection.close)
        connection.send(producer.header(CODEC["h264"], None) + clusters(Film(self.folder, "h264").packets)[0] + producer.END_OF_FRAGMENT)
        connection.wait_for("PERSISTED")
        track, = self.penstock.publication("door")["tracks"]
        self.assertRegex(track["description"], r"H\.264.*320x180")
        connection.finish()
        connection.wait_for_end()

    def test_parameter_sets_may_be_in_the_private_data_alone(self):
        for codec in ENCODERS:
            with self.subTest(codec):
                film = Film(self.folder, codec, name=codec)
                bare = film.read(f"filter_units=remove_types={SETS[codec]}")
                self.assertLess(len(bare[0][2]), len(film.packets[0][2]))
                # And zeros behind each unit, which belong to nothing.
                parts = clusters([(time, key, data + b"\0\0\0") for time, key, data in bare])
                self.create(codec)
                self.upload((producer.header(CODEC[codec], film.parameter_sets()), parts), name=codec)
                self.check_everywhere(film, parts, codec)

    def test_an_avcc_in_front_of_byte_streams_does_no_harm(self):
        film = Film(self.folder, "h264")
        parts = clusters(film.packets)
        self.create()
        self.upload((producer.header(), parts))
        self.check_everywhere(film, parts)

    def test_chromium_plays_it_over_a_change_of_parameter_sets(self):
        small, large = Film(self.folder, "h264", name="small"), Film(self.folder, "h264", "640x360", "large")
        self.create()
        self.upload((producer.header(private=None), clusters(small.packets) + clusters(large.packets, START + 1000 * SECONDS)))
        url = sessions.hls_url(self, "door", PlaybackMode="ON_DEMAND", **self.selector(self.penstock.fragments("door")))
        page = self.start(browser.Browser)
        page.open(self.penstock.url("/"))
        page.evaluate(sessions.PLAY % url)
        video = "document.getElementById('session')"
        waiting.until("it plays to its end", lambda: page.evaluate(f"{video}.ended"), 40)
        self.assertEqual(page.evaluate("window.sessionErrors"), [])
        self.assertAlmostEqual(page.evaluate(f"{video}.currentTime"), 2 * SECONDS, delta=0.3)
        self.assertEqual(page.evaluate(f"{video}.videoWidth"), 640)
        self.assertGreater(page.evaluate(f"{video}.getVideoPlaybackQuality().totalVideoFrames"), 150)

    def test_other_parameter_sets_on_the_way_are_another_init_segment(self):
        small, large = Film(self.folder, "h264", name="small"), Film(self.folder, "h264", "640x360", "large")
        parts = clusters(small.packets) + clusters(large.packets, START + 1000 * SECONDS)
        self.create()
        self.upload((producer.header(private=None), parts))
        playlist = self.penstock.get(self.penstock.stored_path("door")).decode()
        self.assertEqual(playlist.count("#EXT-X-MAP"), 2)
        self.assertEqual(playlist.count("#EXT-X-DISCONTINUITY\n"), 1)
        # ffmpeg's HLS reader leaves pictures out behind a second init segment: what belongs to each is put together here.
        for film, part in zip((small, large), playlist.split("#EXT-X-MAP")[1:]):
            names = [part.split('"')[1], *(line for line in part.splitlines()[1:] if line and not line.startswith("#"))]
            self.assertEqual(len(names), 1 + SECONDS)
            file = self.folder / "part.mp4"
            file.write_bytes(b"".join(self.penstock.get(f"/hls/door/{name}") for name in names))
            self.assertEqual(self.pictures_of(file), film.pictures())
            self.assertEqual(media.decode_errors(file), "")

    def test_a_frame_without_start_codes_makes_a_gap_and_is_given_back_as_it_came(self):
        film = Film(self.folder, "h264")
        at = next(i for i, (time, key, _) in enumerate(film.packets) if time > 1000 and not key)
        packets = list(film.packets)
        packets[at] = (packets[at][0], False, b"this is no picture")
        parts = clusters(packets)
        self.create()
        self.upload((producer.header(private=None), parts))
        path = self.penstock.stored_path("door")
        segments = [line for line in self.penstock.get(path).decode().splitlines() if line and not line.startswith("#")]
        self.assertEqual([self.penstock.call("GET", f"/hls/door/{segment}")[0] for segment in segments], [200, 404, 200, 200, 200])
        self.assertEqual(self.penstock.get(path).decode().count("#EXT-X-GAP"), 1)
        numbers = [fragment["number"] for fragment in self.penstock.fragments("door")]
        sent = sessions.archive(self, "door").get_media_for_fragment_list(StreamName="door", Fragments=numbers)["Payload"].read()
        for part in parts:
            self.assertIn(part, sent)
        refused = sessions.refusal(self, sessions.archive(self, "door").get_clip, StreamName="door",
                                   **self.selector(self.penstock.fragments("door"), "ClipFragmentSelector"))
        self.assertEqual(refused, ("InvalidMediaFrameException", 400))


if __name__ == "__main__":
    unittest.main()
