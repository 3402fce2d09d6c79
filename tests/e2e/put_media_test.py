"""PutMedia: what producers send is acknowledged when it is durable, and given back byte for byte. Debian's Python has boto3: /usr/bin/python3."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

import boto3
import botocore.config

from harness import media, producer, programs, waiting
from harness.server import ServerTest

sys.path.insert(0, str(programs.ROOT / "samples/ml_consumer"))
import documents  # noqa: E402

SAMPLES = programs.ROOT / "samples/put_media"
AWS = programs.ROOT / "tests/e2e/aws"
KEYS = {**os.environ, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
START = 1_768_478_400_000


def clusters(matroska):
    """The clusters of a file whose clusters have known sizes, as they are."""
    found, at = [], 0
    while at < len(matroska):
        end = at + 1 + documents.leading_zeros(matroska[at])
        start = end + 1 + documents.leading_zeros(matroska[end])
        identity, size = int.from_bytes(matroska[at:end], "big"), documents.number_of(matroska[end:start])
        if identity == documents.SEGMENT:
            at = start
            continue
        if identity == documents.CLUSTER:
            found.append(matroska[at:start + size])
        at = start + size
    return found


class PutMedia(ServerTest):
    def film(self, *encoder, sound=True):
        """Eight seconds with a key frame each, a cluster each."""
        path = pathlib.Path(self.folder(), "film.mkv")
        programs.run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i",
                     "sine=frequency=440:sample_rate=48000", "-map", "0:v", *(("-map", "1:a", "-c:a", "aac") if sound else ()), "-t", "8",
                     "-pix_fmt", "yuv420p", *(encoder or ("-c:v", "libx264")), "-g", "25", "-keyint_min", "25", "-sc_threshold", "0",
                     "-cluster_time_limit", "20000", "-cluster_size_limit", "50000000", path)
        return path

    def folder(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        return made.name

    def create(self, name="door", hours=24):
        self.client("kinesisvideo").create_stream(StreamName=name, DataRetentionInHours=hours)

    def client(self, service):
        client = boto3.client(service, endpoint_url=self.penstock.url(""), region_name="us-east-1", aws_access_key_id="any",
                              aws_secret_access_key="any", config=botocore.config.Config(retries={"max_attempts": 0}))
        self.addCleanup(client.close)
        return client

    def payload(self, name="door"):
        return self.client("kinesis-video-media").get_media(StreamName=name, StartSelector={"StartSelectorType": "EARLIEST"})["Payload"].read()

    def documents(self, name="door"):
        """GetMedia's answer, a document per fragment."""
        return [b"\x1a\x45\xdf\xa3" + rest for rest in self.payload(name).split(b"\x1a\x45\xdf\xa3")[1:]]

    def producer(self, name="door", **options):
        made = producer.Producer(self.penstock.http, name, **options)
        self.addCleanup(made.close)
        return made

    def check_film(self, film):
        """What is stored is the film: its clusters to GetMedia, its pictures and sound to players."""
        sent = clusters(film.read_bytes())
        self.assertGreaterEqual(len(sent), 8)
        for cluster, document in zip(sent, self.documents(), strict=True):
            self.assertIn(cluster, document)
            self.assertLess(document.index(b"AWS_KINESISVIDEO_FRAGMENT_NUMBER"), document.index(cluster))
        url = self.penstock.stored("door")
        self.assertEqual(media.decode_errors(url), "")
        source = media.packet_hashes(film, "--", "-map", "0:v", "-c:v", "rawvideo")
        played = media.packet_hashes(url, "--", "-map", "0:v", "-c:v", "rawvideo")
        self.assertEqual([packet[1:] for packet in played[0]], [packet[1:] for packet in source[0]])
        for kind, allowed in {"video": 0.0015, "audio": 0.012}.items():
            sent, seen = media.packet_times(film)[kind], media.packet_times(url)[kind]
            for a, b in zip(sent[1:], seen[1:]):
                self.assertAlmostEqual(a[0] - sent[0][0], b[0] - seen[0][0], delta=allowed)
        self.assertNotIn(b"#EXT-X-DISCONTINUITY\n", self.penstock.get(self.penstock.stored_path("door")))

    def test_the_python_sample_sends_a_film_that_comes_back_and_plays(self):
        film = self.film()
        self.create()
        done = subprocess.run(["/usr/bin/python3", SAMPLES / "put_media.py", "--endpoint", self.penstock.url(""), "door", film], env=KEYS,
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_film(film)


if __name__ == "__main__":
    unittest.main()
