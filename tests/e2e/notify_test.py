"""Notifications: boto3 configures a webhook, a producer tags fragments, and a server in Python is told of just those, in order, whatever happens to it.
Objects put into a bucket: a server that checks the signature with botocore."""

import json
import pathlib
import ssl
import tempfile
import unittest

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions

from harness import producer, programs, waiting
from harness.server import ServerTest
from harness.web_hook import Hook

START = 1_768_478_400_000
NOTIFY = b"AWS_KINESISVIDEO_NOTIFICATION"


def tags(**values):
    """One Tag that asks for a notification, as SDKs write an event."""
    simple = [(NOTIFY, b"")] + [(name.encode(), value.encode()) for name, value in values.items()]
    return producer.element(0x1254C367, producer.element(0x7373, b"".join(
        producer.element(0x67C8, producer.element(0x45A3, name) + producer.element(0x4487, value)) for name, value in simple)))


class NotifyTest(ServerTest):
    """What the tests of webhooks share."""

    def client(self):
        client = boto3.client("kinesisvideo", endpoint_url=self.penstock.url(""), region_name="us-east-1", aws_access_key_id="any",
                              aws_secret_access_key="any", config=botocore.config.Config(retries={"max_attempts": 0}))
        self.addCleanup(client.close)
        return client

    def hook(self, **options):
        hook = Hook(**options)
        self.addCleanup(hook.close)
        return hook

    def configure(self, uri, name="door", status="ENABLED"):
        self.client().update_notification_configuration(
            StreamName=name, NotificationConfiguration={"Status": status, "DestinationConfig": {"Uri": uri}})

    def send(self, *fragments, name="door"):
        """Fragments of a second each, by the tags that follow them; the numbers they got."""
        made = producer.Producer(self.penstock.http, name)
        try:
            body = producer.header()
            for more in fragments:
                self.sent += 1
                body += producer.cluster(START + 1000 * self.sent) + more
            made.send(body + producer.END_OF_FRAGMENT)
            return [ack["FragmentNumber"] for ack in made.wait_for("PERSISTED", len(fragments))]
        finally:
            made.close()

    def setUp(self):
        super().setUp()
        self.sent = 0

    def create(self, name="door"):
        return self.client().create_stream(StreamName=name, DataRetentionInHours=24)["StreamARN"]

    def notifications(self, name="door"):
        return self.penstock.get_json(f"/api/v1/streams/{name}")["notifications"]


class Notify(NotifyTest):
    def test_just_the_tagged_fragments_are_told_of_in_order_and_in_the_words_of_kinesis_video_streams(self):
        arn = self.create()
        self.assertIsNone(self.notifications())
        hook = self.hook()
        self.send(tags(site="before the configuration"))
        self.configure(hook.url("/hook?secret=1"))
        plain = producer.tag(b"site", b"of no notification")
        numbers = self.send(tags(site="gate-3", shape="caf\u00e9"), plain, tags(), b"", tags(site="gate-4"))
        got = hook.wait_for(3)
        listed = {item["number"]: item for item in self.penstock.fragments("door")}
        self.assertEqual([item["FragmentNumber"] for item in got], [numbers[0], numbers[2], numbers[4]])
        self.assertEqual([item["NotificationPayload"] for item in got], [{"site": "gate-3", "shape": "caf\u00e9"}, {}, {"site": "gate-4"}])
        for item in got:
            self.assertEqual(list(item), ["StreamArn", "FragmentNumber", "FragmentStartProducerTimestamp", "FragmentStartServerTimestamp",
                                          "NotificationType", "NotificationPayload"])
            self.assertEqual((item["StreamArn"], item["NotificationType"]), (arn, "PERSISTED"))
            self.assertIn("asks-notification", listed[item["FragmentNumber"]]["flags"])
        self.assertEqual([item["FragmentStartProducerTimestamp"] for item in got], [START + 1000 * at for at in (2, 4, 6)])
        _, command, path, headers, _ = hook.seen[0]
        self.assertEqual((command, path, headers["Content-Type"]), ("POST", "/hook?secret=1", "application/json"))
        waiting.until_equal("what is said of them", lambda: self.notifications()["delivered"], 3)
        self.assertEqual(self.penstock.metric("penstock_notifications_total"), 3)

    def test_failures_and_restarts_of_either_side_delay_notifications_and_change_nothing_else(self):
        self.create()
        self.create("other")
        hook, other = self.hook(), self.hook()
        hook.status = 500
        self.configure(hook.url())
        self.configure(other.url(), "other")
        numbers = self.send(tags(n="0"), tags(n="1"), tags(n="2"))
        waiting.until("a failure", lambda: hook.seen)
        waiting.until("its words", lambda: self.notifications()["last_error"])
        self.assertIn("HTTP 500", self.notifications()["last_error"])
        self.assertIsNotNone(self.notifications()["waiting_since"])
        self.assertGreaterEqual(self.penstock.metrics()['penstock_notification_failures_total{reason="status"}'], 1)
        self.send(tags(n="x"), name="other")
        self.assertEqual(other.wait_for(1)[0]["NotificationPayload"], {"n": "x"})
        hook.close()
        self.penstock.stop()
        self.penstock.start()
        numbers += self.send(tags(n="3"))
        hook.status = 200
        hook.open()
        self.assertEqual([item["FragmentNumber"] for item in hook.wait_for(4)], numbers)
        # A crash may repeat some, and loses none.
        hook.close()
        numbers += self.send(tags(n="4"), tags(n="5"))
        self.penstock.kill()
        self.penstock.start()
        hook.open()
        waiting.until("the last one", lambda: hook.delivered()[-1]["FragmentNumber"] == numbers[-1], 60)
        seen = [item["FragmentNumber"] for item in hook.delivered()]
        self.assertEqual(sorted(set(seen), key=seen.index), numbers)

    def test_what_cannot_be_a_webhook_is_refused_or_said_to_get_nothing(self):
        self.create()
        for uri in ("http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "https://host:0/"):
            with self.assertRaises(botocore.exceptions.ClientError) as caught:
                self.configure(uri)
            self.assertEqual(caught.exception.response["Error"]["Code"], "InvalidArgumentException", uri)
        self.configure("arn:aws:sns:eu-west-1:123456789012:seen")
        self.assertEqual((self.notifications()["webhook"], "nothing is delivered" in self.notifications()["last_error"]), (False, True))
        # Our own door lets nobody in because a notification came from this machine.
        self.configure(self.penstock.url("/api/v1/streams"))
        self.send(tags())
        waiting.until_equal("refused", lambda: self.notifications()["refused"], 1)
        self.assertIn("HTTP 401", self.notifications()["last_error"])


class Certificates(NotifyTest):
    """With an authority of one's own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="penstock-e2e-notify-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.make("ca", "-x509", "-subj", "/CN=authority", "-days", "2")
        self.make("hook", "-x509", "-subj", "/CN=hook", "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1",
                  "-CA", str(self.folder / "ca.pem"), "-CAkey", str(self.folder / "ca.key"))
        self.options = ("--outgoing-ca", str(self.folder / "ca.pem"))
        super().setUp()

    def make(self, name, *options):
        programs.run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-out", str(self.folder / f"{name}.pem"), "-keyout",
                     str(self.folder / f"{name}.key"), *options)

    def test_a_webhook_over_tls_has_to_show_a_certificate_of_the_configured_authority(self):
        self.make("stranger", "-x509", "-subj", "/CN=stranger", "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1")
        hooks = {}
        for name in ("hook", "stranger"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
            hooks[name] = self.hook(tls=context)
        self.create()
        self.configure(hooks["stranger"].url(scheme="https"))
        number, = self.send(tags(site="gate-3"))
        waiting.until("a refusal", lambda: "certificate" in (self.notifications()["last_error"] or ""))
        self.assertEqual(hooks["stranger"].seen, [])
        # What waits goes to where the configuration says now.
        self.configure(hooks["hook"].url(scheme="https"))
        self.assertEqual(hooks["hook"].wait_for(1)[0]["FragmentNumber"], number)


class Bucket(unittest.TestCase):
    """The tool puts an object as the server does."""

    def test_an_object_comes_with_its_metadata_and_a_signature_that_botocore_makes_as_well(self):
        hook = Hook()
        self.addCleanup(hook.close)
        programs.run(programs.ours("put_object"), f"http://127.0.0.1:{hook.port}", "eu-west-1", "someone", "a secret", "pictures",
                     "door/2026-01-15 12:00/a+b~c%d.jpg", "image/jpeg", "the picture", "aws_kinesisvideo_fragment_number=42", "site=gate  3")
        _, command, path, headers, body = hook.seen[0]
        self.assertEqual((command, path, body), ("PUT", "/pictures/door/2026-01-15%2012%3A00/a%2Bb~c%25d.jpg", b"the picture"))
        self.assertEqual(headers["x-amz-meta-aws_kinesisvideo_fragment_number"], "42")
        self.assertEqual(headers["Content-Type"], "image/jpeg")
        signed = headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        lower = {name.lower(): value for name, value in headers.items()}
        request = botocore.awsrequest.AWSRequest("PUT", f"http://127.0.0.1:{hook.port}{path}", {name: lower[name] for name in signed}, body)
        request.context["timestamp"] = lower["x-amz-date"]
        signer = botocore.auth.S3SigV4Auth(botocore.credentials.Credentials("someone", "a secret"), "s3", "eu-west-1")
        text = signer.string_to_sign(request, signer.canonical_request(request))
        self.assertEqual(headers["Authorization"].split("Signature=")[1], signer.signature(text, request))
        self.assertIn("site", "".join(signed))


if __name__ == "__main__":
    unittest.main()
