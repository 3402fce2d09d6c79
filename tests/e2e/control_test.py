"""The control plane of Amazon's video service over restarts and with keys, by boto3, unmodified. Every operation in each of Amazon's clients is
operations_test."""

import unittest

import boto3
import botocore.config
import botocore.exceptions

from harness.server import ServerTest

IMAGES = {"Status": "ENABLED", "ImageSelectorType": "SERVER_TIMESTAMP", "SamplingInterval": 3000, "Format": "JPEG",
          "DestinationConfig": {"Uri": "s3://pictures/door", "DestinationRegion": "eu-west-1"}, "FormatConfig": {"JPEGQuality": "80"},
          "WidthPixels": 640}
NOTIFICATION = {"Status": "ENABLED", "DestinationConfig": {"Uri": "arn:aws:sns:eu-west-1:123456789012:seen"}}


class Control(ServerTest):
    def client(self, key="any", secret="any"):
        client = boto3.client("kinesisvideo", endpoint_url=self.penstock.url(""), region_name="eu-west-1", aws_access_key_id=key,
                              aws_secret_access_key=secret, config=botocore.config.Config(retries={"max_attempts": 0}))
        self.addCleanup(client.close)
        return client

    def refusal(self, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**arguments)
        return caught.exception.response["Error"]["Code"], caught.exception.response["ResponseMetadata"]["HTTPStatusCode"]

    def restart(self):
        self.penstock.stop()
        self.penstock.start()
        return self.client()

    def test_what_boto3_says_of_a_stream_is_kept_over_a_restart_and_goes_with_the_stream(self):
        video = self.client()
        arn = video.create_stream(StreamName="door", DataRetentionInHours=2, MediaType="video/h264", Tags={"site": "north"})["StreamARN"]
        video.tag_stream(StreamName="door", Tags={"floor": "1", "old": "x"})
        video.untag_stream(StreamARN=arn, TagKeyList=["old"])
        video.tag_resource(ResourceARN=arn, Tags=[{"Key": "side", "Value": "left"}])
        version = video.describe_stream(StreamName="door")["StreamInfo"]["Version"]
        video.update_stream(StreamName="door", CurrentVersion=version, DeviceName="cam-7")
        self.assertEqual(self.refusal(video.update_stream, StreamName="door", CurrentVersion=version, DeviceName="cam-8"),
                         ("VersionMismatchException", 400))
        video.update_image_generation_configuration(StreamName="door", ImageGenerationConfiguration=IMAGES)
        video.update_notification_configuration(StreamARN=arn, NotificationConfiguration=NOTIFICATION)
        before = video.describe_stream(StreamName="door")["StreamInfo"]
        video = self.restart()
        self.assertEqual(video.describe_stream(StreamName="door")["StreamInfo"], before)
        self.assertEqual((before["DeviceName"], before["MediaType"]), ("cam-7", "video/h264"))
        tags = {"site": "north", "floor": "1", "side": "left"}
        self.assertEqual(video.list_tags_for_stream(StreamName="door")["Tags"], tags)
        self.assertEqual(video.list_tags_for_resource(ResourceARN=arn)["Tags"], tags)
        self.assertEqual(video.describe_image_generation_configuration(StreamName="door")["ImageGenerationConfiguration"], IMAGES)
        self.assertEqual(video.describe_notification_configuration(StreamName="door")["NotificationConfiguration"], NOTIFICATION)
        video.update_notification_configuration(StreamName="door")
        self.assertNotIn("NotificationConfiguration", video.describe_notification_configuration(StreamName="door"))
        video.delete_stream(StreamARN=arn)
        video.create_stream(StreamName="door")
        self.assertEqual(video.list_tags_for_stream(StreamName="door")["Tags"], {})
        self.assertNotIn("ImageGenerationConfiguration", video.describe_image_generation_configuration(StreamName="door"))
        self.assertEqual(self.refusal(video.update_notification_configuration, StreamName="door", NotificationConfiguration=NOTIFICATION),
                         ("NoDataRetentionException", 400))

    def test_boto3_makes_lists_changes_and_deletes_signaling_channels(self):
        video = self.client()
        arn = video.create_signaling_channel(ChannelName="door", Tags=[{"Key": "site", "Value": "north"}])["ChannelARN"]
        for name in ("a", "b", "c"):
            video.create_signaling_channel(ChannelName=name, ChannelType="SINGLE_MASTER",
                                           SingleMasterConfiguration={"MessageTtlSeconds": 10})
        self.assertEqual(self.refusal(video.create_signaling_channel, ChannelName="door"), ("ResourceInUseException", 400))
        version = video.describe_signaling_channel(ChannelName="door")["ChannelInfo"]["Version"]
        video.update_signaling_channel(ChannelARN=arn, CurrentVersion=version, SingleMasterConfiguration={"MessageTtlSeconds": 30})
        self.assertEqual(self.refusal(video.update_signaling_channel, ChannelARN=arn, CurrentVersion=version),
                         ("VersionMismatchException", 400))
        video = self.restart()
        info = video.describe_signaling_channel(ChannelARN=arn)["ChannelInfo"]
        self.assertEqual((info["ChannelName"], info["ChannelStatus"], info["ChannelType"]), ("door", "ACTIVE", "SINGLE_MASTER"))
        self.assertEqual(info["SingleMasterConfiguration"], {"MessageTtlSeconds": 30})
        self.assertEqual(arn.rsplit("/", 1)[1], str(round(info["CreationTime"].timestamp() * 1000)))
        self.assertEqual(video.list_tags_for_resource(ResourceARN=arn)["Tags"], {"site": "north"})
        pages = list(video.get_paginator("list_signaling_channels").paginate(PaginationConfig={"PageSize": 3}))
        self.assertEqual([[info["ChannelName"] for info in page["ChannelInfoList"]] for page in pages], [["a", "b", "c"], ["door"]])
        some = video.list_signaling_channels(ChannelNameCondition={"ComparisonOperator": "BEGINS_WITH", "ComparisonValue": "do"})
        self.assertEqual([info["ChannelName"] for info in some["ChannelInfoList"]], ["door"])
        endpoints = video.get_signaling_channel_endpoint(ChannelARN=arn, SingleMasterChannelEndpointConfiguration={
            "Protocols": ["WSS", "HTTPS"], "Role": "VIEWER"})["ResourceEndpointList"]
        here = self.penstock.url("")
        self.assertEqual({item["Protocol"]: item["ResourceEndpoint"] for item in endpoints},
                         {"HTTPS": here, "WSS": here.replace("http", "ws", 1)})
        video.delete_signaling_channel(ChannelARN=arn, CurrentVersion=info["Version"])
        self.assertEqual(self.refusal(video.describe_signaling_channel, ChannelARN=arn), ("ResourceNotFoundException", 404))

    def test_keys_allow_actions_on_channels_as_they_do_on_streams(self):
        video = self.client()
        arns = {name: video.create_signaling_channel(ChannelName=name)["ChannelARN"] for name in ("yard", "door")}
        key = self.penstock.cli_json("key", "create", "peer", "--allow", "DescribeSignalingChannel,List*,TagResource", "--streams", "yard*")
        mine = self.client("peer", key["secret"])
        self.assertEqual(mine.describe_signaling_channel(ChannelName="yard")["ChannelInfo"]["ChannelARN"], arns["yard"])
        self.assertEqual([info["ChannelName"] for info in mine.list_signaling_channels()["ChannelInfoList"]], ["yard"])
        mine.tag_resource(ResourceARN=arns["yard"], Tags=[{"Key": "a", "Value": "b"}])
        denied = ("AccessDeniedException", 403)
        self.assertEqual(self.refusal(mine.describe_signaling_channel, ChannelName="door"), denied)
        self.assertEqual(self.refusal(mine.tag_resource, ResourceARN=arns["door"], Tags=[{"Key": "a", "Value": "b"}]), denied)
        self.assertEqual(self.refusal(mine.get_signaling_channel_endpoint, ChannelARN=arns["yard"]), denied)
        self.assertEqual(self.refusal(mine.create_signaling_channel, ChannelName="yard-2"), denied)


if __name__ == "__main__":
    unittest.main()
