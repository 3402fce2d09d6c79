"""GetImages: the picture that was shown at a time, as JPEG or PNG, for boto3 as it is. Debian's Python has it: /usr/bin/python3."""

import base64
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

import boto3
import botocore.config
import botocore.exceptions

from harness import cameras, media, playlists, programs, waiting
from harness.server import ServerTest
from harness.web_hook import Hook

SAMPLE = programs.ROOT / "samples/put_media/put_media.py"
KEYS = {**os.environ, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
NOON = 1_768_478_400
# Debian's boto3 knows a least SamplingInterval of 3 s from before Amazon made it 0.2 s.
CONFIG = botocore.config.Config(retries={"max_attempts": 0}, parameter_validation=False)
STEP = 4
ENCODERS = {"h264": ("-c:v", "libx264", "-bf", "2"), "h265": ("-c:v", "libx265", "-x265-params", "log-level=error:bframes=3")}


class Images(ServerTest):
    def setUp(self):
        super().setUp()
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)

    def client(self, service):
        client = boto3.client(service, endpoint_url=self.penstock.url(""), region_name="us-east-1", aws_access_key_id="any",
                              aws_secret_access_key="any", config=CONFIG)
        self.addCleanup(client.close)
        return client

    def archive(self, name):
        where = self.client("kinesisvideo").get_data_endpoint(StreamName=name, APIName="GET_IMAGES")["DataEndpoint"]
        self.assertEqual(where, self.penstock.url(""))
        return self.client("kinesis-video-archived-media")

    def gray_film(self, codec):
        """Fifty pictures, 25 a second, a key frame every second; picture n has the brightness 16 + STEP * n."""
        path = self.folder / f"{codec}.mkv"
        programs.run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"color=gray:size=320x180:rate=25,geq=lum='16+{STEP}*N':cb=128:cr=128",
                     "-frames:v", "50", "-pix_fmt", "yuv420p", *ENCODERS[codec], "-g", "25", "-keyint_min", "25", "-sc_threshold", "0",
                     "-cluster_time_limit", "20000", "-cluster_size_limit", "50000000", path)
        return path

    def upload(self, name, film):
        self.client("kinesisvideo").create_stream(StreamName=name, DataRetentionInHours=24)
        done = subprocess.run(["/usr/bin/python3", SAMPLE, "--endpoint", self.penstock.url(""), "--start", str(NOON), name, film],
                              env=KEYS, capture_output=True, timeout=90, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def write(self, image):
        path = self.folder / "image"
        path.write_bytes(base64.b64decode(image["ImageContent"], validate=True))
        return path

    def picture_number(self, image):
        gray = subprocess.run([programs.foreign("ffmpeg"), "-v", "error", "-i", self.write(image), "-vf", "crop=16:16,scale=1:1,format=gray",
                               "-f", "rawvideo", "-"], stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60).stdout
        # JPEG and PNG have the full range.
        return round((gray[0] * 219 / 255) / STEP)

    def form(self, image):
        stream, = media.streams(self.write(image))
        return stream["codec_name"], stream["width"], stream["height"]

    def test_each_image_is_the_picture_of_its_time_and_pages_leave_none_out(self):
        for codec in ENCODERS:
            with self.subTest(codec):
                self.upload(codec, self.gray_film(codec))
                archive = self.archive(codec)
                # From a second before the film to a second behind it.
                request = {"StreamName": codec, "ImageSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": NOON - 1, "EndTimestamp": NOON + 3,
                           "SamplingInterval": 200, "Format": "PNG"}
                pages = list(archive.get_paginator("get_images").paginate(**request, PaginationConfig={"PageSize": 4}))
                images = [image for page in pages for image in page["Images"]]
                self.assertEqual([len(page["Images"]) for page in pages], [4] * 5 + [1])
                self.assertEqual([round(image["TimeStamp"].timestamp() * 1000) for image in images],
                                 [NOON * 1000 + at for at in range(-1000, 3001, 200)])
                self.assertEqual([image.get("Error") for image in images], ["NO_MEDIA"] * 5 + [None] * 10 + ["NO_MEDIA"] * 6)
                shown = images[5:15]
                self.assertEqual([self.picture_number(image) for image in shown], [5 * i for i in range(10)])
                self.assertEqual({self.form(image) for image in shown}, {("png", 320, 180)})
                # A page takes 25 by itself.
                self.assertEqual(archive.get_images(**request)["Images"], images)

    def test_images_look_as_asked_for(self):
        self.upload("door", self.gray_film("h264"))
        archive = self.archive("door")

        def image(**how):
            answer = archive.get_images(StreamName="door", ImageSelectorType="PRODUCER_TIMESTAMP", StartTimestamp=NOON + 1,
                                        EndTimestamp=NOON + 1, **how)
            one, = answer["Images"]
            return one
        self.assertEqual(self.form(image(Format="JPEG")), ("mjpeg", 320, 180))
        self.assertEqual(self.form(image(Format="JPEG", HeightPixels=90)), ("mjpeg", 160, 90))
        self.assertEqual(self.form(image(Format="PNG", WidthPixels=100, HeightPixels=300)), ("png", 100, 300))
        coarse, fine = (image(Format="JPEG", FormatConfig={"JPEGQuality": quality}) for quality in ("5", "100"))
        self.assertNotEqual(coarse["ImageContent"], fine["ImageContent"])
        self.assertEqual([self.picture_number(one) for one in (coarse, fine)], [25, 25])
        for wrong in ({"WidthPixels": 100}, {"FormatConfig": {"JPEGQuality": "101"}}, {"EndTimestamp": NOON + 400}):
            with self.assertRaises(botocore.exceptions.ClientError) as refused:
                archive.get_images(**{"StreamName": "door", "ImageSelectorType": "PRODUCER_TIMESTAMP", "StartTimestamp": NOON,
                                      "EndTimestamp": NOON + 1, "Format": "JPEG", **wrong})
            self.assertEqual(refused.exception.response["Error"]["Code"], "InvalidArgumentException")

    def test_a_cameras_images_show_the_clock_that_was_in_front_of_it(self):
        camera = self.start(cameras.SyntheticCamera)
        self.penstock.add_source("yard", camera.url)
        self.penstock.wait_for_fragments("yard", 5)
        self.penstock.remove_source("yard")
        stored = self.penstock.fragments("yard")
        pictures = [at for at in media.burnt_in_times(self.penstock.stored("yard")) if at]
        archive = self.archive("yard")
        for axis, member in (("SERVER_TIMESTAMP", "start"), ("PRODUCER_TIMESTAMP", "producer_start")):
            start = playlists.unix_ms(stored[0][member]) // 1000 + 1
            answer = archive.get_images(StreamName="yard", ImageSelectorType=axis, StartTimestamp=start, EndTimestamp=start + 2,
                                        SamplingInterval=400, Format="JPEG")
            seen = []
            for image in answer["Images"]:
                self.assertIsNone(image.get("Error"))
                self.assertEqual(self.form(image), ("mjpeg", 1280, 720))
                seen += media.burnt_in_times(self.write(image))
            self.assertEqual(len(seen), 6)
            self.assertLessEqual(set(seen), set(pictures))
            wanted = [round(image["TimeStamp"].timestamp() * 1000) for image in answer["Images"]]
            for i, (at, time) in enumerate(zip(seen, wanted)):
                if axis == "PRODUCER_TIMESTAMP":
                    # What the camera says is what it paints, but for what lies between the two.
                    self.assertAlmostEqual(at - seen[0], 400 * i, delta=120)
                else:
                    # The server's time is that of a fragment's coming: later than the picture, never before it.
                    self.assertTrue(time - 5000 < at <= time + 100, (at, time))

    def test_what_many_want_is_decoded_once(self):
        self.upload("door", self.gray_film("h264"))
        archive = self.archive("door")

        def ask(_):
            return archive.get_images(StreamName="door", ImageSelectorType="PRODUCER_TIMESTAMP", StartTimestamp=NOON, EndTimestamp=NOON + 1,
                                      SamplingInterval=1000, Format="JPEG")["Images"]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(16)))
        self.assertTrue(all(answer == answers[0] for answer in answers))
        made = re.search(rb"^penstock_images_made_total (\d+)", self.penstock.get("/metrics"), re.MULTILINE)
        self.assertEqual(int(made[1]), 2)


class Generation(ServerTest):
    """Images of a camera's stream, written while it is recorded (UpdateImageGenerationConfiguration)."""

    def serve(self, *options, streams=("yard",)):
        """With one camera, which has begun, for all these streams."""
        self.penstock.stop()
        self.penstock.options += options
        self.penstock.start()
        camera = self.start(cameras.SyntheticCamera)
        for stream in streams:
            self.penstock.add_source(stream, camera.url)
            self.penstock.wait_for_fragments(stream, 1)
        self.client = boto3.client("kinesisvideo", endpoint_url=self.penstock.url(""), region_name="us-east-1", aws_access_key_id="any",
                                   aws_secret_access_key="any", config=CONFIG)
        self.addCleanup(self.client.close)

    def configure(self, uri, stream="yard"):
        self.client.update_image_generation_configuration(StreamName=stream, ImageGenerationConfiguration={
            "Status": "ENABLED", "ImageSelectorType": "SERVER_TIMESTAMP", "SamplingInterval": 1000, "Format": "JPEG", "WidthPixels": 640,
            "DestinationConfig": {"Uri": uri, "DestinationRegion": "us-east-1"}})

    def serve_with_buckets(self, streams=("yard",)):
        """What answers for all buckets, and a folder."""
        bucket = Hook()
        self.addCleanup(bucket.close)
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        secret = pathlib.Path(made.name, "secret")
        secret.write_text("a secret\n")
        secret.chmod(0o600)
        self.serve("--s3-endpoint", bucket.url(""), "--s3-access-key", "someone", "--s3-secret-key-file", secret, streams=streams)
        return bucket, made

    def images(self, stream="yard"):
        return self.penstock.get_json(f"/api/v1/streams/{stream}")["images"]

    def test_a_bucket_that_refuses_twice_has_every_image_once_and_in_order(self):
        bucket, _ = self.serve_with_buckets()
        bucket.first = [503, 500]
        self.assertIsNone(self.images())
        self.configure("s3://pictures/yard")
        waiting.until("a refusal", lambda: bucket.seen, 60)
        waiting.until("its words", lambda: "HTTP 50" in ((self.images() or {}).get("last_error") or ""))
        waiting.until("images come", lambda: len(bucket.seen) >= 6, 60)
        self.penstock.remove_source("yard")
        seen = list(bucket.seen)
        self.assertEqual([status for status, *_ in seen[:3]], [503, 500, 200])
        self.assertEqual(len({(path, body) for _, _, path, _, body in seen[:3]}), 1, "it is the same image")
        times = [int(path.split("_")[2]) for _, _, path, _, _ in seen[2:]]
        self.assertEqual(times, sorted(set(times)))
        self.assertEqual(self.penstock.metrics()['penstock_image_delivery_failures_total{reason="unavailable"}'], 2)
        status = waiting.until("all are there", lambda: (lambda images: images["waiting_since"] is None and images)(self.images()))
        self.assertEqual((status["failed_tries"], status["undelivered"]), (0, 0))
        self.assertGreaterEqual(status["delivered"], 4)
        self.assertEqual(self.penstock.metrics()["penstock_images_waiting"], 0)

    def test_a_bucket_that_hangs_holds_up_its_own_stream_alone(self):
        bucket, _ = self.serve_with_buckets(streams=("yard", "gate"))
        bucket.held = "/slow/"
        self.configure("s3://slow/yard")
        waiting.until("it hangs", lambda: bucket.seen, 60)
        self.configure("s3://quick/gate", "gate")
        of = lambda place: [path for _, _, path, _, _ in list(bucket.seen) if path.startswith(place)]  # noqa: E731
        waiting.until("images of the other stream", lambda: len(of("/quick/")) >= 8, 60)
        self.assertEqual(len(of("/slow/")), 1)
        bucket.released.set()
        waiting.until("those of the first one", lambda: len(of("/slow/")) >= 4, 60)
        # An end does not wait for a bucket.
        bucket.released.clear()
        before = len(of("/slow/"))
        waiting.until("it hangs again", lambda: len(of("/slow/")) > before, 60)
        began = time.monotonic()
        self.penstock.stop()
        self.assertLess(time.monotonic() - began, 20)

    def test_a_cameras_images_come_as_objects_of_a_bucket(self):
        bucket, made = self.serve_with_buckets()
        self.configure("s3://pictures/front/yard")
        waiting.until("images come", lambda: len(bucket.seen) >= 3, 60)
        for _, command, path, headers, body in list(bucket.seen):
            self.assertEqual((command, headers["Content-Type"]), ("PUT", "image/jpeg"))
            time = re.fullmatch(r"/pictures/front/yard/000000000000_yard_(\d+)_\w+\.jpg", path)[1]
            self.assertLess(abs(int(headers["x-amz-meta-aws_kinesisvideo_server_timestamp"]) - int(time)), 3000)
            self.assertEqual(len(headers["x-amz-meta-aws_kinesisvideo_fragment_number"]), 47)
            self.assertIn("Credential=someone/", headers["Authorization"])
            image = pathlib.Path(made.name, "image.jpg")
            image.write_bytes(body)
            shown, = media.burnt_in_times(image, width=640, height=360)
            self.assertLess(abs(shown - int(time)), 3000)

    def test_a_cameras_images_come_as_files_with_their_metadata_and_go_on_after_a_kill(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        folder = pathlib.Path(made.name, "yard")
        self.serve("--images-directory", made.name)
        with self.assertRaisesRegex(botocore.exceptions.ClientError, "images.directory"):
            self.configure("file:///etc/images")
        self.configure(folder.as_uri())

        def images():
            return sorted(folder.glob("*.jpg")) if folder.is_dir() else []
        waiting.until("images come", lambda: len(images()) >= 4, 60)
        self.penstock.kill()
        before = len(images())
        self.penstock.start()
        waiting.until("they go on", lambda: len(images()) >= before + 4, 60)
        self.penstock.remove_source("yard")
        self.penstock.stop()
        numbers = set()
        for image in images():
            account, stream, time, _ = image.stem.split("_")
            self.assertEqual((account, stream, int(time) % 1000), ("000000000000", "yard", 0))
            self.assertNotIn(time, numbers, "one image of each second")
            numbers.add(time)
            described = json.loads(image.with_name(image.name + ".json").read_text())
            self.assertLess(abs(int(described["aws_kinesisvideo_server_timestamp"]) - int(time)), 3000)
            self.assertEqual(len(described["aws_kinesisvideo_fragment_number"]), 47)
            stream, = media.streams(image)
            self.assertEqual((stream["width"], stream["height"]), (640, 360))
            # What it shows was in front of the camera about then.
            shown, = media.burnt_in_times(image, width=640, height=360)
            self.assertLess(abs(shown - int(time)), 3000)
        self.assertEqual(list(folder.glob(".*.part")), [])


if __name__ == "__main__":
    unittest.main()
