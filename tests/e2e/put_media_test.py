"""PutMedia: what producers send is acknowledged when it is durable, and given back byte for byte. Debian's Python has boto3: /usr/bin/python3."""

import contextlib
import io
import itertools
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
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


def split(payload):
    """A document per fragment."""
    return [b"\x1a\x45\xdf\xa3" + rest for rest in payload.split(b"\x1a\x45\xdf\xa3")[1:]]


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

    def setUp(self):
        super().setUp()
        self.clients = {}

    def client(self, service):
        if service not in self.clients:
            client = boto3.client(service, endpoint_url=self.penstock.url(""), region_name="us-east-1", aws_access_key_id="any",
                                  aws_secret_access_key="any", config=botocore.config.Config(retries={"max_attempts": 0}))
            self.addCleanup(client.close)
            self.clients[service] = client
        return self.clients[service]

    def payload(self, name="door"):
        return self.client("kinesis-video-media").get_media(StreamName=name, StartSelector={"StartSelectorType": "EARLIEST"})["Payload"].read()

    def documents(self, name="door"):
        """GetMedia's answer, a document per fragment."""
        return split(self.payload(name))

    def listed_documents(self, name, numbers):
        """The same of these fragments, without the wait for more."""
        return split(self.client("kinesis-video-archived-media").get_media_for_fragment_list(StreamName=name, Fragments=numbers)["Payload"].read())

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

    def check_exports(self, film):
        pictures = [packet[2] for packet in media.packet_hashes(film, "--", "-map", "0:v", "-c:v", "rawvideo")[0]]
        for form in ("mkv", "mp4"):
            path = pathlib.Path(self.folder(), "exported." + form)
            path.write_bytes(self.penstock.get(f"/api/v1/streams/door/export?format={form}"))
            self.assertEqual([packet[2] for packet in media.packet_hashes(path, "--", "-map", "0:v", "-c:v", "rawvideo")[0]], pictures, form)
            self.assertEqual(media.decode_errors(path), "")

    def test_what_does_not_play_is_stored_and_said_so(self):
        self.create()
        connection = self.producer()
        connection.send(producer.header(codec=b"V_VP9", private=b"") + producer.cluster(START) + producer.END_OF_FRAGMENT)
        connection.wait_for("PERSISTED")
        self.assertIn("V_VP9: this codec is stored, and not played", self.penstock.publication("door")["tracks"][0]["description"])
        document, = self.documents()
        self.assertIn(producer.cluster(START), document)
        playlist = self.penstock.get(self.penstock.stored_path("door")).decode().splitlines()
        for line in (next(line.split('"')[1] for line in playlist if "EXT-X-MAP" in line), playlist[-2]):
            status, answer = self.penstock.call("GET", f"/hls/door/{line}")
            self.assertEqual((status, "can be played" in str(answer)), (501, True), answer)

    def sample(self, *command, **options):
        return subprocess.run([str(part) for part in command], env=KEYS, capture_output=True, timeout=90, check=False, **options)

    def test_the_python_sample_sends_a_film_that_comes_back_and_plays(self):
        film = self.film()
        self.create()
        done = self.sample("/usr/bin/python3", SAMPLES / "put_media.py", "--endpoint", self.penstock.url(""), "door", film)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_film(film)
        self.check_exports(film)
        refused = self.sample("/usr/bin/python3", SAMPLES / "put_media.py", "--endpoint", self.penstock.url(""), "none", film)
        self.assertNotEqual(refused.returncode, 0)

    def test_the_node_sample_sends_h265_from_a_pipe(self):
        if not (AWS / "node_modules/@aws-sdk").exists():
            programs.run(programs.ROOT / "scripts/web_packages", "tests/e2e/aws", seconds=120)
        film = self.film("-c:v", "libx265", "-x265-params", "log-level=error")
        self.create()
        with open(film, "rb") as source:
            done = self.sample(programs.foreign("node"), SAMPLES / "put_media.mjs", self.penstock.url(""), "door", "-", stdin=source, cwd=AWS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_film(film)

    def test_a_live_pipe_of_ffmpeg_is_taken_as_it_comes(self):
        self.create()
        film = self.film(sound=False)
        ffmpeg = subprocess.Popen(["ffmpeg", "-v", "error", "-re", "-i", film, "-c", "copy", "-f", "matroska", "-cluster_time_limit", "20000",
                                   "-cluster_size_limit", "50000000", "-"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        with ffmpeg:
            done = self.sample("/usr/bin/python3", SAMPLES / "put_media.py", "--endpoint", self.penstock.url(""), "door", "-",
                               stdin=ffmpeg.stdout)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(media.decode_errors(self.penstock.stored("door")), "")
        self.assertEqual(self.penstock.publication("door")["reason"].split(" from")[0], "PutMedia")

    def test_the_answer_begins_before_any_media_and_each_ack_is_a_chunk(self):
        self.create()
        connection = self.producer(expect="100-continue")
        self.assertEqual(connection.status, 200)
        self.assertTrue(connection.interim.startswith("HTTP/1.1 100 Continue"))
        self.assertIn("transfer-encoding: chunked", connection.head.lower())
        self.assertIn("x-amzn-RequestId: ", connection.head)
        connection.send(producer.header() + producer.cluster(START) + producer.tag(b"site", b"gate-3") + producer.END_OF_FRAGMENT, piece=7)
        number = connection.wait_for("PERSISTED")[0]["FragmentNumber"]  # while the body goes on
        self.assertEqual([(ack["EventType"], ack["FragmentTimecode"], ack["FragmentNumber"]) for ack in connection.acks()],
                         [(kind, START, number) for kind in ("BUFFERING", "RECEIVED", "PERSISTED")])
        self.assertFalse(connection.ended)
        connection.finish()
        connection.wait_for_end()
        self.assertTrue(connection.ended)
        self.assertTrue(all(chunk.endswith(b"}\r\n") and len(chunk) <= 1024 for chunk in connection.chunks))
        document, = self.documents()
        self.assertIn(producer.cluster(START), document)
        self.assertLess(document.index(producer.cluster(START)), document.index(b"gate-3"))
        self.assertNotIn(b"END_OF_FRAGMENT", document)
        # The sample consumer's reader takes clusters of unknown size, too.
        read, = documents.fragments(io.BytesIO(document).read)
        self.assertEqual((read.number, len(read.picture_times)), (number, 5))
        fragment, = self.penstock.fragments("door")
        self.assertEqual(fragment["producer_start"], "2026-01-15T12:00:00.000Z")

    def test_acks_to_amazons_java_producer_keep_away_from_each_other(self):
        self.create()
        connection = self.producer(user_agent="AWS-SDK-KVS/1.9.5 JAVA/17.0.15 Linux/6.18 amd64")
        apart = []
        for i in range(5):
            connection.send(producer.header() * (i == 0) + producer.cluster(START + 200 * i) + producer.END_OF_FRAGMENT)
            connection.wait_for("PERSISTED", i + 1)
            apart.append(connection.times[-1] - connection.times[-2])
        self.assertGreater(statistics.median(apart), 0.02, apart)

    def test_acks_are_left_out_where_nobody_wants_them_but_errors_are_told(self):
        self.create()
        connection = self.producer(x_amzn_fragment_acknowledgment_required="0")
        connection.send(producer.header() + producer.cluster(START) + producer.cluster(START))
        self.assertEqual([ack["ErrorId"] for ack in connection.wait_for_end()], [4004])

    def test_a_stream_that_keeps_nothing_has_no_persisted_acks(self):
        self.create(hours=0)
        connection = self.producer()
        connection.send(producer.header() + producer.cluster(START) + producer.END_OF_FRAGMENT)
        connection.finish()
        self.assertEqual([ack["EventType"] for ack in connection.wait_for_end()], ["BUFFERING", "RECEIVED"])

    def test_each_mistake_has_amazons_number_and_ends_the_answer(self):
        self.restart("--put-media-fragment-bytes=1MB")
        self.create()
        start, picture = producer.header(), producer.cluster(START, 1)
        bare = producer.open_ended(0x1F43B675) + producer.uint(0xE7, START)
        for number, code, body in (
                (4001, "MAX_FRAGMENT_SIZE_REACHED", start + bare + b"".join(producer.block(i, b"x" * 400_000) for i in range(3))),
                (4002, "MAX_FRAGMENT_DURATION_REACHED", start + picture + producer.block(20_001)),
                (4004, "FRAGMENT_TIMECODE_LESSER_THAN_PREVIOUS", start + picture + producer.cluster(START - 1)),
                (4006, "INVALID_MKV_DATA", b"this is no Matroska"),
                (4006, "INVALID_MKV_DATA", start + bare + producer.block(0, flags=2)),
                (4007, "INVALID_PRODUCER_TIMESTAMP", start + producer.cluster(1 << 60)),
                (4009, "FRAGMENT_METADATA_LIMIT_REACHED", start + picture + b"".join(producer.tag(b"t%d" % i, b"v") for i in range(11))),
                (4010, "TRACK_NUMBER_MISMATCH", start + bare + producer.block(0, track=2)),
                (4011, "FRAMES_MISSING_FOR_TRACK", producer.header(tracks=2) + picture + producer.END_OF_FRAGMENT),
                (4012, "MORE_THAN_ALLOWED_TRACKS_FOUND", producer.header(tracks=4))):
            with self.subTest(code):
                connection = self.producer()
                with contextlib.suppress(OSError):
                    connection.send(body)
                last = connection.wait_for_end()[-1]
                self.assertEqual((last["EventType"], last["ErrorId"], last["ErrorCode"]), ("ERROR", number, code))
                self.assertTrue(connection.ended, "the answer ends in order")

    def test_what_cannot_begin_is_refused_before_the_body_by_name(self):
        self.create()
        secret = self.penstock.cli_json("key", "create", "camera", "--allow", "PutMedia", "--streams", "door")["secret"]
        good = {"keys": ("camera", secret)}
        for status, name, options in (
                (404, "ResourceNotFoundException", {"name": "none"}),
                (400, "InvalidArgumentException", {"timecodes": "SIDEWAYS"}),
                (400, "InvalidArgumentException", {"timecodes": "RELATIVE"}),
                (400, "InvalidArgumentException", {"timecodes": "RELATIVE", "x_amzn_producer_start_timestamp": "noon"}),
                (403, "InvalidSignatureException", {"keys": ("camera", "wrong")}),
                (403, "AccessDeniedException", {"name": "yard", **good}),
                (200, None, good), (200, None, {"sha": "UNSIGNED-PAYLOAD", **good}),
                (200, None, {"sha": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", **good}),
                (200, None, {"host": "localhost", **good})):
            with self.subTest(f"{status} {options}"):
                connection = self.producer(expect="100-continue", **options)
                self.assertEqual(connection.status, status)
                if status == 200:
                    connection.finish()
                else:
                    self.assertIsNone(connection.interim, "no leave to send")
                    self.assertIn(f"x-amzn-ErrorType: {name}", connection.head)
                    self.assertIn("content-length", connection.head.lower())
                connection.wait_for_end()

    def test_a_producer_that_falls_silent_is_told_and_its_request_ends(self):
        self.restart("--put-media-idle=3s")
        self.create()
        connection = self.producer()
        connection.send(producer.header() + producer.cluster(START))
        acks = connection.wait_for_end()
        self.assertEqual([ack["EventType"] for ack in acks], ["BUFFERING", "IDLE", "IDLE", "IDLE", "RECEIVED", "PERSISTED"])
        self.assertTrue(connection.ended)

    def restart(self, *options):
        self.penstock.stop()
        self.penstock.program.close()
        self.penstock.program = None
        self.penstock.options += options
        self.penstock.start()

    def test_a_server_that_stops_says_good_bye_and_the_producer_goes_on_with_the_next(self):
        self.create()
        connection = self.producer()
        connection.send(producer.header() + producer.cluster(START) + producer.cluster(START + 200, 3))
        connection.wait_for("BUFFERING", 2)
        self.penstock.stop()
        acks = connection.wait_for_end()
        self.assertTrue(connection.ended, "in order")
        self.assertEqual([ack["FragmentTimecode"] for ack in acks if ack["EventType"] in ("PERSISTED", "ERROR")], [START])
        self.penstock.start()
        again = self.producer()
        again.send(producer.header() + producer.cluster(START + 200) + producer.END_OF_FRAGMENT)
        again.wait_for("PERSISTED")
        self.assertEqual(len(self.documents()), 2)

    def test_credentials_rotate_and_a_cut_fragment_is_sent_again(self):
        self.create()
        first = self.producer()
        first.send(producer.header() + producer.cluster(START) + producer.cluster(START + 200) + producer.END_OF_FRAGMENT)
        first.wait_for("PERSISTED", 2)
        second = self.producer()  # while the first is open
        self.assertEqual(second.status, 200)
        second.send(producer.header() + producer.cluster(START + 400) + producer.cluster(START + 600, 3))
        second.wait_for("PERSISTED")
        first.finish()
        first.wait_for_end()
        self.assertTrue(first.ended)
        second.wait_for("BUFFERING", 2)
        second.cut()
        third = self.producer()
        # The one that was acknowledged comes again, too: a producer may not have seen that.
        third.send(producer.header() + producer.cluster(START + 400) + producer.cluster(START + 600) + producer.cluster(START + 800, 3))
        third.wait_for("PERSISTED", 2)
        self.assertEqual(third.acks("PERSISTED")[0]["FragmentNumber"], second.acks("PERSISTED")[0]["FragmentNumber"])
        third.wait_for("BUFFERING", 3)
        # Its network is lost, and the server has not been told.
        fourth = self.producer()
        fourth.send(producer.header() + producer.cluster(START + 800) + producer.END_OF_FRAGMENT)
        fourth.wait_for("PERSISTED")
        documents_ = self.documents()
        self.assertEqual(len(documents_), 5, "what is acknowledged is there")
        for timecode, document in zip(range(START, START + 1000, 200), documents_):
            self.assertIn(producer.cluster(timecode), document)
        runs = {fragment["run"] for fragment in self.penstock.fragments("door")}
        self.assertEqual(len(runs), 1, "a viewer notices nothing")

    def test_what_was_persisted_survives_kill_9_and_is_not_stored_twice(self):
        names = [f"cam{i}" for i in range(50)]
        for name in names:
            self.create(name)
        connections = {name: self.producer(name) for name in names}

        def cluster(name, i):
            return producer.cluster(START + 200 * i, filler=f"{name}/{i} ".encode() * 100)

        def send_until_it_is_gone():
            with contextlib.suppress(OSError):
                for i in itertools.count():
                    for name, connection in connections.items():
                        connection.send((b"" if i else producer.header()) + cluster(name, i), piece=900)
        sender = threading.Thread(target=send_until_it_is_gone)
        sender.start()
        try:
            for connection in connections.values():
                connection.wait_for("PERSISTED", 3)
        finally:
            self.penstock.kill()  # while it is in the middle of them all
            sender.join()
        persisted = {name: connection.wait_for_end() and connection.acks("PERSISTED") for name, connection in connections.items()}
        self.penstock.start()
        for name, acks in persisted.items():
            stored = [item["number"] for item in self.penstock.fragments(name)]
            self.assertEqual([ack["FragmentNumber"] for ack in acks], stored[:len(acks)])
            # The producer goes on with what it has no ack of, and with one more: it may be stored without its ack having come.
            end = len(stored) + 2
            again = self.producer(name)
            again.send(producer.header() + b"".join(cluster(name, i) for i in range(len(acks) - 1, end)) + producer.END_OF_FRAGMENT)
            again.finish()
            self.assertEqual([ack for ack in again.wait_for_end() if ack["EventType"] == "ERROR"], [])
            self.assertEqual(again.acks("PERSISTED")[0]["FragmentNumber"], acks[-1]["FragmentNumber"])
            now = [item["number"] for item in self.penstock.fragments(name)]
            self.assertEqual(now[:len(stored)], stored, "what was there is as it was")
            # Each is whole, and there once.
            documents_ = self.listed_documents(name, now)
            self.assertEqual(len(documents_), end)
            for i, document in enumerate(documents_):
                self.assertIn(cluster(name, i), document)


if __name__ == "__main__":
    unittest.main()
