"""boto3, unmodified, with a camera behind it; every operation in each of Amazon's clients is operations_test. Debian's Python has boto3:
/usr/bin/python3."""

import datetime
import pathlib
import sys
import tempfile
import time
import unittest

import boto3
import botocore.config
import botocore.exceptions

from harness import cameras, media, programs, waiting
from harness.server import ServerTest

sys.path.insert(0, str(programs.ROOT / "samples/ml_consumer"))
import documents  # noqa: E402

CONSUMER = programs.ROOT / "samples/ml_consumer/consumer.py"


class Aws(ServerTest):
    def client(self, service, key="any", secret="any", endpoint=None):
        client = boto3.client(service, endpoint_url=endpoint or self.penstock.url(""), region_name="eu-west-1", aws_access_key_id=key,
                              aws_secret_access_key=secret, config=botocore.config.Config(retries={"max_attempts": 0}))
        self.addCleanup(client.close)
        return client

    def data_client(self, service, api, stream, **keys):
        where = self.client("kinesisvideo", **keys).get_data_endpoint(StreamName=stream, APIName=api)["DataEndpoint"]
        return self.client(service, endpoint=where, **keys)

    def payload(self, stream, kind, **selector):
        return self.data_client("kinesis-video-media", "GET_MEDIA", stream).get_media(
            StreamName=stream, StartSelector={"StartSelectorType": kind, **selector})["Payload"]

    def record(self, name="door", count=4):
        """A camera that records; stopped again when there is enough."""
        camera = self.start(cameras.Simulator)
        self.penstock.add_source(name, camera.camera(0))
        self.penstock.wait_for_fragments(name, count)
        return camera

    def stop_recording(self, name="door"):
        self.penstock.cli("source", "remove", name)
        self.payload(name, "NOW").read()  # ends when nothing came for a while: the last fragment is there
        return [item["number"] for item in self.penstock.fragments(name)]

    def refusal(self, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**arguments)
        return caught.exception.response["Error"]["Code"], caught.exception.response["ResponseMetadata"]["HTTPStatusCode"]

    def test_boto3_makes_describes_changes_lists_and_deletes_streams(self):
        video = self.client("kinesisvideo")
        arn = video.create_stream(StreamName="yard", DataRetentionInHours=2, MediaType="video/h264", Tags={"site": "north"})["StreamARN"]
        info = video.describe_stream(StreamARN=arn)["StreamInfo"]
        self.assertEqual((info["StreamName"], info["Status"], info["DataRetentionInHours"]), ("yard", "ACTIVE", 2))
        self.assertEqual(arn.rsplit("/", 1)[1], str(round(info["CreationTime"].timestamp() * 1000)))
        video.update_data_retention(StreamName="yard", CurrentVersion=info["Version"], Operation="INCREASE_DATA_RETENTION",
                                    DataRetentionChangeInHours=3)
        self.assertEqual(video.describe_stream(StreamName="yard")["StreamInfo"]["DataRetentionInHours"], 5)
        self.assertEqual(self.refusal(video.update_data_retention, StreamName="yard", CurrentVersion=info["Version"],
                                      Operation="INCREASE_DATA_RETENTION", DataRetentionChangeInHours=3),
                         ("VersionMismatchException", 400))
        self.assertEqual(self.refusal(video.create_stream, StreamName="yard"), ("ResourceInUseException", 400))
        for name in ("a", "b", "c"):
            video.create_stream(StreamName=name)
        pages = list(video.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 2}))
        self.assertEqual([info["StreamName"] for page in pages for info in page["StreamInfoList"]], ["a", "b", "c", "yard"])
        self.penstock.stop()
        self.penstock.start()
        self.assertEqual(video.describe_stream(StreamARN=arn)["StreamInfo"]["MediaType"], "video/h264")
        video.delete_stream(StreamARN=arn)
        self.assertEqual(self.refusal(video.describe_stream, StreamARN=arn), ("ResourceNotFoundException", 404))

    def test_fragments_are_listed_and_each_is_a_document_with_the_cameras_frames(self):
        self.record()
        numbers = self.stop_recording()
        archive = self.data_client("kinesis-video-archived-media", "LIST_FRAGMENTS", "door")
        for axis in ("SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP"):
            hour = datetime.timedelta(hours=1)
            now = datetime.datetime.now(datetime.timezone.utc)
            selector = {"FragmentSelectorType": axis, "TimestampRange": {"StartTimestamp": now - hour, "EndTimestamp": now + hour}}
            pages = archive.get_paginator("list_fragments").paginate(StreamName="door", FragmentSelector=selector,
                                                                     PaginationConfig={"PageSize": 3})
            listed = [fragment["FragmentNumber"] for page in pages for fragment in page["Fragments"]]
            self.assertEqual(listed, numbers, axis)
            self.assertTrue(all(len(number) == 47 for number in listed))
        wanted = [numbers[2], numbers[0]]
        payload = archive.get_media_for_fragment_list(StreamName="door", Fragments=wanted)["Payload"].read()
        first = payload[:payload.index(b"\x1a\x45\xdf\xa3", 1)]
        self.assertIn(numbers[2].encode(), first)
        self.check_with_mkvinfo(first)
        got = list(documents.fragments(self.payload("door", "EARLIEST").read))
        self.assertEqual([fragment.number for fragment in got], numbers)
        self.assertEqual(self.frames_of(got), self.source_frames(len(self.frames_of(got))))
        # boto3 cuts times to whole seconds; the answer begins with the fragment under way then.
        second = int(got[1].server_time) + 1
        under_way = max(i for i, fragment in enumerate(got) if fragment.server_time <= second)
        for kind, selector in {"FRAGMENT_NUMBER": {"AfterFragmentNumber": numbers[0]}, "CONTINUATION_TOKEN": {"ContinuationToken": numbers[0]},
                               "SERVER_TIMESTAMP": {"StartTimestamp": second}, "NOW": {}}.items():
            rest = [fragment.number for fragment in documents.fragments(self.payload("door", kind, **selector).read)]
            begin = {"NOW": len(numbers) - 1, "SERVER_TIMESTAMP": under_way}.get(kind, 1)
            self.assertEqual(rest, numbers[begin:], kind)

    def check_with_mkvinfo(self, document):
        with tempfile.NamedTemporaryFile(suffix=".mkv") as file:
            file.write(document)
            file.flush()
            said = programs.run("mkvinfo", "-v", "-v", file.name)
            self.assertIn("AWS_KINESISVIDEO_FRAGMENT_NUMBER", said)
            self.assertIn("h264", media.codecs(file.name))

    def frames_of(self, fragments):
        """Hashes of the video packets as ffmpeg reads them out of the documents, one file each."""
        hashes = []
        for fragment in fragments:
            with tempfile.NamedTemporaryFile(suffix=".mkv") as file:
                file.write(fragment.document)
                file.flush()
                hashes += [packet[1:] for packet in media.packet_hashes(file.name, "--", "-map", "0:v", "-c:v", "rawvideo")[0]]
        return hashes

    def source_frames(self, count):
        """Of the file that the simulated camera plays over and over."""
        clip = programs.ROOT / "build/camsim-media/2000k/video.h264"
        once = [packet[1:] for packet in media.packet_hashes(clip, "--", "-map", "0:v", "-c:v", "rawvideo")[0]]
        return (once * (count // len(once) + 1))[:count]

    def test_a_reader_at_the_live_edge_sees_what_comes_and_resumes_without_loss_or_repetition(self):
        self.record(count=1)
        seen = []

        def read(token):
            kind = {"ContinuationToken": token} if token else {}
            payload = self.payload("door", "CONTINUATION_TOKEN" if token else "NOW", **kind)
            for fragment in documents.fragments(payload.read):
                seen.append((fragment, time.time()))
                if len(seen) % 3 == 0:  # leaves in the middle of the answer
                    payload.close()
                    return fragment.token
            return seen[-1][0].token

        token = ""
        for _ in range(3):
            token = read(token)
        numbers = self.stop_recording()
        first = numbers.index(seen[0][0].number)
        self.assertEqual([fragment.number for fragment, _ in seen], numbers[first:first + len(seen)])
        self.assertGreaterEqual(len(seen), 9)
        fragment, at = seen[-1]
        self.assertLess(at - fragment.server_time, 8, "a fragment comes when it is complete")

    def test_a_quiet_stream_ends_the_answer_in_order(self):
        self.client("kinesisvideo").create_stream(StreamName="quiet")
        begin = time.monotonic()
        self.assertEqual(self.payload("quiet", "NOW").read(), b"")
        self.assertGreaterEqual(time.monotonic() - begin, 2.9)

    def test_keys_allow_their_actions_on_their_streams_and_wrong_ones_nothing(self):
        video = self.client("kinesisvideo")
        for name in ("yard", "door"):
            video.create_stream(StreamName=name, DataRetentionInHours=1)
        key = self.penstock.cli_json("key", "create", "detector", "--allow", "DescribeStream,List*", "--streams", "yard*")
        mine = self.client("kinesisvideo", "detector", key["secret"])
        self.assertEqual(mine.describe_stream(StreamName="yard")["StreamInfo"]["StreamName"], "yard")
        self.assertEqual([info["StreamName"] for info in mine.list_streams()["StreamInfoList"]], ["yard"])
        self.assertEqual(self.refusal(mine.describe_stream, StreamName="door"), ("AccessDeniedException", 403))
        self.assertEqual(self.refusal(mine.get_data_endpoint, StreamName="yard", APIName="GET_MEDIA"), ("AccessDeniedException", 403))
        wrong = self.client("kinesisvideo", "detector", "wrong")
        self.assertEqual(self.refusal(wrong.describe_stream, StreamName="yard"), ("InvalidSignatureException", 403))
        self.penstock.cli("key", "revoke", "detector")
        self.penstock.options.append("--trust-loopback=no")
        self.penstock.stop()
        self.penstock.program.close()
        self.penstock.program = None
        self.penstock.start()
        self.assertEqual(self.refusal(mine.describe_stream, StreamName="yard"), ("UnrecognizedClientException", 403))

    def consumer(self, *options):
        return self.start(programs.Program, "/usr/bin/python3", CONSUMER, "--endpoint", self.penstock.url(""), *options, "door")

    @staticmethod
    def finished(program):
        return [line.split()[1] for line in list(program.lines) if line.startswith("= ")]

    def wait_for_finished(self, program, count):
        waiting.until(f"{count} fragments consumed", lambda: len(self.finished(program)) >= count, 60)

    def test_the_sample_consumer_goes_on_after_a_restart_of_either_side(self):
        self.record(count=1)
        with tempfile.TemporaryDirectory() as folder:
            state = str(pathlib.Path(folder, "token"))
            first = self.consumer("--state", state)
            self.wait_for_finished(first, 2)
            self.penstock.stop()
            self.penstock.start()
            self.wait_for_finished(first, 4)
            first.kill()
            second = self.consumer("--state", state)
            self.wait_for_finished(second, 2)
            second.kill()  # before its folder goes
        numbers = self.stop_recording()
        # A killed one may have consumed a fragment and not noted it.
        consumed = self.finished(first)
        consumed += [number for number in self.finished(second) if number not in consumed[-1:]]
        at = numbers.index(consumed[0])
        self.assertEqual(consumed[:6], numbers[at:at + 6][:len(consumed)])
        picture = next(line for line in first.lines if line[0].isdigit()).split()
        self.assertRegex(picture[2], r"^\d+x\d+$")

    def test_the_sample_consumer_may_want_the_newest_only(self):
        self.record(count=3)
        program = self.consumer("--newest-only")
        self.wait_for_finished(program, 2)
        numbers = self.stop_recording()
        places = [numbers.index(number) for number in self.finished(program) if number in numbers]
        self.assertEqual(places, sorted(set(places)))
        self.assertGreaterEqual(places[0], 2, "it does not begin with the oldest")


if __name__ == "__main__":
    unittest.main()
