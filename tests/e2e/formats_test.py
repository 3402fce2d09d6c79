"""Every format of bytes that leaves the server, held against three readers that are not ours: ffprobe, which decodes it whole, MediaInfo, and, where it
is Matroska, mkvinfo. None of them may have anything to say against it."""

import base64
import html
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

from harness import amazon, films, playlists, programs
from harness.server import ServerTest

sys.path.insert(0, str(programs.ROOT / "samples/ml_consumer"))
import documents  # noqa: E402

NOON = 1_768_478_400  # when the film begins, for its producer
SECONDS = 4
ALL = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": {"StartTimestamp": NOON, "EndTimestamp": NOON + SECONDS}}
FORMATS = {".mkv": "Matroska", ".mp4": "MPEG-4", ".ts": "MPEG-TS", ".jpg": "JPEG", ".png": "PNG"}
CODECS = {"h264": "AVC", "hevc": "HEVC", "aac": "AAC", "mjpeg": "JPEG", "png": "PNG"}
PICTURES = (".jpg", ".png")
OPEN_SEGMENT = b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"


def fetch(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read()


class Formats(ServerTest):
    options = ("--aws-media-idle", "1s")

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.amazon = amazon.Boto3(self.penstock.url(""))
        self.addCleanup(self.amazon.close)

    def say(self, *command):
        """What a reader says of a file, if it has nothing to say against it."""
        done = subprocess.run([programs.foreign(command[0]), *map(str, command[1:])], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              errors="replace", timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), command)
        return done.stdout

    def check(self, name, content, seconds, *codecs):
        """The name's ending is the format. Every reader finds these codecs, 320 by 180, so many seconds of each, and no fault."""
        with self.subTest(name):
            path = self.folder / name
            path.write_bytes(content)
            packets = self.check_with_ffprobe(path, seconds, codecs)
            self.check_with_mediainfo(path, content, seconds, codecs)
            if path.suffix == ".mkv":
                said = self.say("mkvinfo", "-v", "-v", path)
                self.assertNotRegex(said.lower(), r"unknown element|error|invalid|damaged")
                self.assertEqual(len(re.findall("Frame with size", said)), packets)

    def check_with_ffprobe(self, path, seconds, codecs):
        said = json.loads(self.say("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_packets", "-of", "json", path))
        self.assertEqual(sorted(stream["codec_name"] for stream in said["streams"]), sorted(codecs))
        for stream in said["streams"]:
            if stream["codec_type"] == "video":
                pictures = 1 if path.suffix in PICTURES else seconds * 25
                self.assertEqual((stream["width"], stream["height"], int(stream["nb_read_frames"])), (320, 180, pictures))
            if path.suffix not in PICTURES:
                times = [float(packet["pts_time"]) for packet in said["packets"] if packet["stream_index"] == stream["index"]]
                self.assertAlmostEqual(max(times) - min(times), seconds, delta=0.15, msg=stream["codec_name"])
        return len(said["packets"])

    def check_with_mediainfo(self, path, content, seconds, codecs):
        general, *tracks = json.loads(self.say("mediainfo", "--Output=JSON", path))["media"]["track"]
        self.assertEqual(general["Format"].replace("iso6", "MPEG-4"), FORMATS[path.suffix])
        self.assertEqual(sorted(track["Format"] for track in tracks), sorted(CODECS[codec] for codec in codecs))
        for track in tracks:
            if "Width" in track:
                self.assertEqual((track["Width"], track["Height"]), ("320", "180"))
            # A live document does not say how long it will be.
            if path.suffix not in PICTURES and OPEN_SEGMENT not in content:
                self.assertAlmostEqual(float(track["Duration"]), seconds, delta=0.15, msg=track["Format"])
        faults = {key for track in (general, *tracks) for key in track.get("extra", {}) if "Truncated" in key or "Conformance" in key}
        # What it calls every Segment without an end, whoever wrote it.
        self.assertEqual(faults, {"IsTruncated"} if OPEN_SEGMENT in content else set())

    def record(self, codec):
        """As a live producer sends it: no element says how long it will be. Returns the numbers of its fragments."""
        film, live = self.folder / "film.mkv", self.folder / "live.mkv"
        films.make(film, SECONDS, codec)
        programs.run("ffmpeg", "-v", "error", "-y", "-i", film, "-c", "copy", "-live", "1", "-cluster_time_limit", "20000", "-cluster_size_limit", "50000000",
                     live)
        self.amazon.call("CreateStream", StreamName=codec, DataRetentionInHours=24)
        films.send(self.penstock.url(""), codec, live, NOON)
        return [item["number"] for item in self.penstock.fragments(codec)]

    def test_every_format_is_read_without_a_complaint(self):
        for codec in films.VIDEO:
            numbers = self.record(codec)
            self.assertEqual(len(numbers), SECONDS)
            for part in (self.check_documents, self.check_hls, self.check_dash, self.check_files, self.check_pictures):
                part(codec, numbers)

    def check_documents(self, codec, numbers):
        payload = self.amazon.call("GetMedia", StreamName=codec, StartSelector={"StartSelectorType": "EARLIEST"})["Payload"]
        read = list(documents.fragments(io.BytesIO(payload).read))
        self.assertEqual(len(read), SECONDS)
        for i, fragment in enumerate(read[::SECONDS - 1]):
            self.check(f"{codec}-get-media-{i}.mkv", fragment.document, 1, codec, "aac")
        one = self.amazon.call("GetMediaForFragmentList", StreamName=codec, Fragments=numbers[1:2])["Payload"]
        self.check(f"{codec}-get-media-for-fragment-list.mkv", one, 1, codec, "aac")

    def check_hls(self, codec, _):
        for container, suffix in (("FRAGMENTED_MP4", ".mp4"), ("MPEG_TS", ".ts")):
            url = self.amazon.call("GetHLSStreamingSessionURL", StreamName=codec, PlaybackMode="ON_DEMAND", ContainerFormat=container,
                                   HLSFragmentSelector=ALL)["HLSStreamingSessionURL"]
            name = next(line for line in fetch(url).decode().splitlines() if line and not line.startswith("#"))
            listed = playlists.parse(fetch(urllib.parse.urljoin(url, name)).decode())
            init = fetch(urllib.parse.urljoin(url, listed[0].init)) if listed[0].init else b""
            segments = [fetch(urllib.parse.urljoin(url, segment.uri)) for segment in listed]
            self.check(f"{codec}-hls-segment{suffix}", init + segments[1], 1, codec, "aac")
            self.check(f"{codec}-hls-whole{suffix}", init + b"".join(segments), SECONDS, codec, "aac")

    def check_dash(self, codec, _):
        url = self.amazon.call("GetDASHStreamingSessionURL", StreamName=codec, PlaybackMode="ON_DEMAND",
                               DASHFragmentSelector=ALL)["DASHStreamingSessionURL"]
        manifest = html.unescape(fetch(url).decode())
        templates = re.findall(r'initialization="([^"]+)"\s+media="([^"]+)"', manifest)
        for found, (init, media) in zip((codec, "aac"), templates, strict=True):
            head, segments = fetch(urllib.parse.urljoin(url, init)), [fetch(urllib.parse.urljoin(url, media.replace("$Number$", str(i + 1))))
                                                                      for i in range(SECONDS)]
            self.check(f"{codec}-dash-{found}-segment.mp4", head + segments[1], 1, found)
            self.check(f"{codec}-dash-{found}-whole.mp4", head + b"".join(segments), SECONDS, found)

    def check_files(self, codec, _):
        clip = self.amazon.call("GetClip", StreamName=codec, ClipFragmentSelector=ALL)["Payload"]
        self.check(f"{codec}-clip.mp4", clip, SECONDS, codec, "aac")
        for suffix in (".mkv", ".mp4"):
            path = self.folder / f"exported{suffix}"
            self.penstock.cli("export", codec, "-o", path)
            self.check(f"{codec}-export{suffix}", path.read_bytes(), SECONDS, codec, "aac")

    def check_pictures(self, codec, _):
        for form, suffix, found in (("JPEG", ".jpg", "mjpeg"), ("PNG", ".png", "png")):
            image, = self.amazon.call("GetImages", StreamName=codec, ImageSelectorType="PRODUCER_TIMESTAMP", StartTimestamp=NOON + 1,
                                      EndTimestamp=NOON + 1, SamplingInterval=3000, Format=form)["Images"]
            self.check(f"{codec}-image{suffix}", base64.b64decode(image["ImageContent"], validate=True), 0, found)


if __name__ == "__main__":
    unittest.main()
