"""Every operation of Amazon's API that there is, asked for by each of Amazon's clients that knows it, with the same story: the SDK for JavaScript
knows all of them, Debian's boto3 and aws-cli those of their time."""

import base64
import http.client
import io
import pathlib
import re
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from harness import amazon, films, media, playlists, programs
from harness.server import ServerTest

sys.path.insert(0, str(programs.ROOT / "samples/ml_consumer"))
import documents  # noqa: E402

NOON = 1_768_478_400  # when the film begins, for its producer
RANGE = {"StartTimestamp": NOON, "EndTimestamp": NOON + 6}
ALL = {"FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": RANGE}
IMAGES = {"Status": "DISABLED", "ImageSelectorType": "SERVER_TIMESTAMP", "SamplingInterval": 3000, "Format": "JPEG",
          "DestinationConfig": {"Uri": "s3://pictures/door", "DestinationRegion": "eu-west-1"}, "FormatConfig": {"JPEGQuality": "80"}}
NOTIFICATION = {"Status": "ENABLED", "DestinationConfig": {"Uri": "arn:aws:sns:eu-west-1:123456789012:seen"}}
HUB = "arn:aws:iot:eu-west-1:123456789012:thing/hub"
EDGE = {"HubDeviceArn": HUB, "RecorderConfig": {"MediaSourceConfig": {
    "MediaUriSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:door", "MediaUriType": "RTSP_URI"}}}
# What is served, and which client knows what, as the document's table has it. The rule `operations` of tests/lint holds the first column against
# the program, this test the others against the clients.
ROWS = re.findall(r"^\| ([A-Z]\w+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|",
                  (programs.ROOT / "docs/compatibility.md").read_text().partition("## Amazon Kinesis Video Streams")[2], re.M)
BOTO3, AWS_CLI, JAVA_SCRIPT = ({row[0] for row in ROWS if row[column] == "yes"} for column in (1, 2, 3))


class Operations(ServerTest):
    options = ("--aws-media-idle", "1s")

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.film = pathlib.Path(folder.name, "film.mkv")
        films.make(cls.film)

    def tell(self, client, column):
        """Everything that the client knows, once at least: what the table says. The stream and the channel are gone afterwards."""
        self.addCleanup(client.close)
        self.call, self.knows = client.call, client.knows
        self.stream = self.call("CreateStream", StreamName="door", DataRetentionInHours=2, MediaType="video/h264",
                                Tags={"site": "north"})["StreamARN"]
        self.channel = self.call("CreateSignalingChannel", ChannelName="gate")["ChannelARN"]
        films.send(self.penstock.url(""), "door", self.film, NOON)
        for part in (self.streams, self.tags, self.configurations, self.storage, self.media_storage, self.edge, self.channels, self.fragments, self.payloads,
                     self.clips_and_images, self.playback, self.refusals, self.the_end):
            with self.subTest(part.__name__):
                part()
        self.assertEqual(client.asked, set(client.operations))
        self.assertEqual(client.asked, column)

    def refusal(self, operation, **arguments):
        """The name of the error. Whoever tells the status tells the right one."""
        with self.assertRaises(amazon.Refused) as caught:
            self.call(operation, **arguments)
        expected = 404 if "NotFound" in caught.exception.name else 400
        self.assertIn(caught.exception.status, (expected, None))
        return caught.exception.name

    # The control plane.

    def streams(self):
        info = self.call("DescribeStream", StreamARN=self.stream)["StreamInfo"]
        self.assertEqual((info["StreamName"], info["Status"], info["DataRetentionInHours"]), ("door", "ACTIVE", 2))
        self.assertEqual(str(round(info["CreationTime"] * 1000)), self.stream.rsplit("/", 1)[1])
        self.call("UpdateDataRetention", StreamName="door", CurrentVersion=info["Version"], Operation="INCREASE_DATA_RETENTION",
                  DataRetentionChangeInHours=3)
        self.assertEqual(self.refusal("UpdateStream", StreamName="door", CurrentVersion=info["Version"], DeviceName="cam-7"),
                         "VersionMismatchException")
        version = self.call("DescribeStream", StreamName="door")["StreamInfo"]["Version"]
        self.call("UpdateStream", StreamName="door", CurrentVersion=version, DeviceName="cam-7")
        listed, = self.call("ListStreams", StreamNameCondition={"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": "do"})["StreamInfoList"]
        self.assertEqual((listed["StreamARN"], listed["DeviceName"], listed["DataRetentionInHours"]), (self.stream, "cam-7", 5))
        for name in ("PUT_MEDIA", "GET_MEDIA", "LIST_FRAGMENTS", "GET_MEDIA_FOR_FRAGMENT_LIST", "GET_HLS_STREAMING_SESSION_URL",
                     "GET_DASH_STREAMING_SESSION_URL", "GET_CLIP", "GET_IMAGES"):
            self.assertEqual(self.call("GetDataEndpoint", StreamName="door", APIName=name)["DataEndpoint"], self.penstock.url(""))

    def tags(self):
        self.call("TagStream", StreamName="door", Tags={"floor": "1"})
        self.call("TagResource", ResourceARN=self.stream, Tags=[{"Key": "side", "Value": "left"}])
        tags = {"site": "north", "floor": "1", "side": "left"}
        self.assertEqual(self.call("ListTagsForStream", StreamARN=self.stream)["Tags"], tags)
        self.assertEqual(self.call("ListTagsForResource", ResourceARN=self.stream)["Tags"], tags)
        self.call("UntagStream", StreamName="door", TagKeyList=["floor"])
        self.call("UntagResource", ResourceARN=self.stream, TagKeyList=["side"])
        self.assertEqual(self.call("ListTagsForStream", StreamName="door")["Tags"], {"site": "north"})

    def configurations(self):
        self.call("UpdateImageGenerationConfiguration", StreamName="door", ImageGenerationConfiguration=IMAGES)
        self.assertEqual(self.call("DescribeImageGenerationConfiguration", StreamName="door")["ImageGenerationConfiguration"], IMAGES)
        self.call("UpdateNotificationConfiguration", StreamARN=self.stream, NotificationConfiguration=NOTIFICATION)
        self.assertEqual(self.call("DescribeNotificationConfiguration", StreamName="door")["NotificationConfiguration"], NOTIFICATION)

    def storage(self):
        if not self.knows("UpdateStreamStorageConfiguration"):
            return
        version = self.call("DescribeStream", StreamName="door")["StreamInfo"]["Version"]
        warm = {"DefaultStorageTier": "WARM"}
        change = {"StreamName": "door", "CurrentVersion": version, "StreamStorageConfiguration": warm}
        self.call("UpdateStreamStorageConfiguration", **change)
        self.assertEqual(self.call("DescribeStreamStorageConfiguration", StreamName="door")["StreamStorageConfiguration"], warm)
        self.assertEqual(self.refusal("UpdateStreamStorageConfiguration", **change), "VersionMismatchException")

    def media_storage(self):
        if not self.knows("UpdateMediaStorageConfiguration"):
            return
        stored = {"Status": "ENABLED", "StreamARN": self.stream}
        self.call("UpdateMediaStorageConfiguration", ChannelARN=self.channel, MediaStorageConfiguration=stored)
        self.assertEqual(self.call("DescribeMediaStorageConfiguration", ChannelName="gate")["MediaStorageConfiguration"], stored)
        self.assertEqual(self.mapped(), [{"Type": "CHANNEL", "ARN": self.channel}])
        self.assertEqual(self.endpoints("WSS", "HTTPS", "WEBRTC")["WEBRTC"], self.penstock.url(""))
        self.call("UpdateMediaStorageConfiguration", ChannelARN=self.channel, MediaStorageConfiguration={"Status": "DISABLED"})
        self.assertEqual(self.mapped(), [])

    def mapped(self):
        return self.call("DescribeMappedResourceConfiguration", StreamName="door")["MappedResourceConfigurationList"]

    def edge(self):
        if not self.knows("StartEdgeConfigurationUpdate"):
            return
        missing = "StreamEdgeConfigurationNotFoundException"
        self.assertEqual(self.refusal("DescribeEdgeConfiguration", StreamName="door"), missing)
        started = self.call("StartEdgeConfigurationUpdate", StreamName="door", EdgeConfig=EDGE)
        self.assertEqual((started["SyncStatus"], started["EdgeConfig"]), ("SYNCING", EDGE))
        self.assertEqual(self.refusal("StartEdgeConfigurationUpdate", StreamName="door", EdgeConfig=EDGE), "ResourceInUseException")
        self.assertEqual(self.call("DescribeEdgeConfiguration", StreamARN=self.stream)["EdgeConfig"], EDGE)
        if self.knows("ListEdgeAgentConfigurations"):
            listed, = self.call("ListEdgeAgentConfigurations", HubDeviceArn=HUB)["EdgeConfigs"]
            self.assertEqual((listed["StreamName"], listed["CreationTime"]), ("door", started["CreationTime"]))
        if self.knows("DeleteEdgeConfiguration"):
            self.call("DeleteEdgeConfiguration", StreamName="door")
            self.assertEqual(self.refusal("DeleteEdgeConfiguration", StreamName="door"), missing)

    def endpoints(self, *protocols):
        answer = self.call("GetSignalingChannelEndpoint", ChannelARN=self.channel, SingleMasterChannelEndpointConfiguration={
            "Protocols": list(protocols), "Role": "MASTER"})
        return {item["Protocol"]: item["ResourceEndpoint"] for item in answer["ResourceEndpointList"]}

    def channels(self):
        info = self.call("DescribeSignalingChannel", ChannelName="gate")["ChannelInfo"]
        self.assertEqual((info["ChannelARN"], info["ChannelStatus"], info["ChannelType"]), (self.channel, "ACTIVE", "SINGLE_MASTER"))
        self.call("UpdateSignalingChannel", ChannelARN=self.channel, CurrentVersion=info["Version"],
                  SingleMasterConfiguration={"MessageTtlSeconds": 30})
        listed, = self.call("ListSignalingChannels")["ChannelInfoList"]
        self.assertEqual((listed["ChannelName"], listed["SingleMasterConfiguration"]), ("gate", {"MessageTtlSeconds": 30}))
        here = self.penstock.url("")
        self.assertEqual(self.endpoints("WSS", "HTTPS"), {"HTTPS": here, "WSS": here.replace("http", "ws", 1)})

    # Media.

    def list_fragments(self):
        found, more = [], {"FragmentSelector": ALL, "MaxResults": 4}
        while more:
            page = self.call("ListFragments", StreamName="door", **more)
            found += page["Fragments"]
            more = {"NextToken": page["NextToken"]} if page.get("NextToken") else None
        return found

    def fragments(self):
        found = self.list_fragments()
        self.assertEqual([fragment["FragmentNumber"] for fragment in found], [item["number"] for item in self.penstock.fragments("door")])
        for i, fragment in enumerate(found):  # a cluster may begin with the sound
            self.assertAlmostEqual(fragment["ProducerTimestamp"], NOON + i, delta=0.025)

    def payloads(self):
        numbers = [fragment["FragmentNumber"] for fragment in self.list_fragments()]
        answer = self.call("GetMediaForFragmentList", StreamName="door", Fragments=[numbers[3], numbers[1]])
        self.assertEqual(answer["ContentType"], "video/webm")
        self.assertEqual(answer["Payload"].count(b"\x1a\x45\xdf\xa3"), 2)
        self.assertLess(answer["Payload"].index(numbers[3].encode()), answer["Payload"].index(numbers[1].encode()))
        answer = self.call("GetMedia", StreamName="door", StartSelector={"StartSelectorType": "EARLIEST"})
        self.assertEqual(answer["ContentType"], "video/webm")
        read = list(documents.fragments(io.BytesIO(answer["Payload"]).read))
        self.assertEqual([fragment.number for fragment in read], numbers)
        self.assertEqual({(fragment.width, fragment.height, len(fragment.picture_times)) for fragment in read}, {(320, 180, 25)})
        answer = self.call("GetMedia", StreamName="door", StartSelector={"StartSelectorType": "CONTINUATION_TOKEN",
                                                                         "ContinuationToken": read[2].token})
        self.assertEqual([fragment.number for fragment in documents.fragments(io.BytesIO(answer["Payload"]).read)], numbers[3:])

    def probe(self, content, name):
        path = pathlib.Path(self.penstock.data) / name
        path.write_bytes(content)
        return [(stream["codec_name"], stream.get("width")) for stream in media.streams(path)]

    def clips_and_images(self):
        answer = self.call("GetClip", StreamName="door", ClipFragmentSelector=ALL)
        self.assertEqual(answer["ContentType"], "video/mp4")
        self.assertEqual(sorted(self.probe(answer["Payload"], "clip.mp4")), [("aac", None), ("h264", 320)])
        self.assertEqual(media.decode_errors(pathlib.Path(self.penstock.data) / "clip.mp4"), "")
        images = self.call("GetImages", StreamName="door", ImageSelectorType="PRODUCER_TIMESTAMP", StartTimestamp=NOON, EndTimestamp=NOON + 3,
                           SamplingInterval=3000, Format="JPEG", WidthPixels=160, HeightPixels=90)["Images"]
        self.assertEqual([image["TimeStamp"] for image in images], [NOON, NOON + 3])
        for image in images:
            self.assertEqual(self.probe(base64.b64decode(image["ImageContent"], validate=True), "image.jpg"), [("mjpeg", 160)])

    def fetch(self, url):
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.read()

    def playback(self):
        url = self.call("GetHLSStreamingSessionURL", StreamName="door", PlaybackMode="ON_DEMAND", HLSFragmentSelector=ALL)["HLSStreamingSessionURL"]
        name = next(line for line in self.fetch(url).decode().splitlines() if line and not line.startswith("#"))
        listed = playlists.parse(self.fetch(urllib.parse.urljoin(url, name)).decode())
        self.assertEqual([segment.seconds for segment in listed], [1.0] * 6)
        self.assertEqual(self.fetch(urllib.parse.urljoin(url, listed[0].init))[4:8], b"ftyp")
        self.assertIn(b"moof", self.fetch(urllib.parse.urljoin(url, listed[-1].uri)))
        url = self.call("GetDASHStreamingSessionURL", StreamName="door", PlaybackMode="ON_DEMAND",
                        DASHFragmentSelector=ALL)["DASHStreamingSessionURL"]
        manifest = self.fetch(url).decode()
        self.assertIn('type="static"', manifest)
        self.assertEqual(len(re.findall("<Representation ", manifest)), 2)

    def refusals(self):
        missing = "ResourceNotFoundException"
        self.assertEqual(self.refusal("DescribeStream", StreamName="none"), missing)
        self.assertEqual(self.refusal("GetMedia", StreamName="none", StartSelector={"StartSelectorType": "NOW"}), missing)
        self.assertEqual(self.refusal("GetClip", StreamName="none", ClipFragmentSelector=ALL), missing)
        self.assertEqual(self.refusal("ListFragments", StreamName="none"), missing)

    def the_end(self):
        self.call("DeleteSignalingChannel", ChannelARN=self.channel)
        self.assertEqual(self.refusal("DescribeSignalingChannel", ChannelARN=self.channel), "ResourceNotFoundException")
        self.call("DeleteStream", StreamARN=self.stream)
        self.assertEqual(self.call("ListStreams")["StreamInfoList"], [])

    # Who asks.

    def test_the_sdk_for_javascript_is_answered_every_operation(self):
        client = amazon.JavaScript(self.penstock.url(""))
        self.tell(client, JAVA_SCRIPT)
        # What is there comes at once, and not with the answer's end.
        self.assertGreater(client.spread["GetMedia"], 0.8)

    def test_boto3_is_answered_every_operation_that_it_knows(self):
        self.tell(amazon.Boto3(self.penstock.url("")), BOTO3)

    def test_aws_cli_is_answered_every_operation_that_it_knows(self):
        self.tell(amazon.AwsCli(self.penstock.url(""), JAVA_SCRIPT), AWS_CLI)

    # What is not there, and not hidden.

    def signed(self, method, path, auth):
        request = botocore.awsrequest.AWSRequest(method, self.penstock.url(path), data=b"{}" if method == "POST" else None)
        auth(botocore.credentials.Credentials("any", "any"), "kinesisvideo", "eu-west-1").add_auth(request)
        return request.prepare()

    def test_signaling_and_webrtc_ingestion_are_refused_by_name(self):
        asked = [self.signed("POST", path, botocore.auth.SigV4Auth) for path in (
            "/v1/get-ice-server-config", "/v1/send-alexa-offer-to-master", "/joinStorageSession", "/joinStorageSessionAsViewer")]
        asked.append(self.signed("GET", "/?X-Amz-ChannelARN=arn", botocore.auth.SigV4QueryAuth))
        asked[-1].headers.update({"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                                  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        for request in asked:
            with self.subTest(request.url):
                connection = http.client.HTTPConnection(self.penstock.http, timeout=20)
                self.addCleanup(connection.close)
                connection.request(request.method, request.url.removeprefix(self.penstock.url("")), request.body, dict(request.headers.items()))
                answer = connection.getresponse()
                self.assertEqual((answer.status, answer.getheader("x-amzn-ErrorType")), (404, "UnknownOperationException"))


if __name__ == "__main__":
    unittest.main()
