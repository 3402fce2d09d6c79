"""HTTPS with a certificate of `penstock cert create`, and clients that are not ours: Amazon's, curl, ffprobe, openssl. Temporary keys, too."""

import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import unittest

import boto3
import botocore.config
import botocore.exceptions

from harness import cameras, media, producer, programs, waiting
from harness.server import ServerTest

sys.path.insert(0, str(programs.ROOT / "samples/ml_consumer"))
import documents  # noqa: E402

AWS = programs.ROOT / "tests/e2e/aws"
SAMPLES = programs.ROOT / "samples/put_media"
START = 1_768_478_400_000
KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": ""}


class Https(ServerTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="penstock-e2e-https-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.said = programs.run(programs.ours("penstock"), "cert", "create", "cam.example", "192.0.2.7", "--out", self.folder)
        self.ca, self.certificate, self.key = self.folder / "ca.pem", self.folder / "server.pem", self.folder / "server.key"
        self.options = ("--https", "127.0.0.1:0", "--tls-certificate", self.certificate, "--tls-key", self.key)
        super().setUp()

    def url(self, path=""):
        return f"https://{self.penstock.https}{path}"

    def client(self, service, endpoint=None, **keys):
        client = boto3.client(service, endpoint_url=endpoint or self.url(), region_name="us-east-1", verify=str(self.ca),
                              config=botocore.config.Config(retries={"max_attempts": 0}),
                              **{"aws_access_key_id": "any", "aws_secret_access_key": "any", **keys})
        self.addCleanup(client.close)
        return client

    def create(self, name="door"):
        self.client("kinesisvideo").create_stream(StreamName=name, DataRetentionInHours=24)

    def record(self, name="door", count=1):
        camera = self.start(cameras.Simulator)
        self.penstock.add_source(name, camera.camera(0))
        self.penstock.wait_for_fragments(name, count)
        return camera

    def film(self):
        path = self.folder / "film.mkv"
        programs.run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-t", "6", "-pix_fmt", "yuv420p", "-c:v",
                     "libx264", "-g", "25", "-keyint_min", "25", "-sc_threshold", "0", "-cluster_time_limit", "20000", path)
        return path

    def run_with_keys(self, *command, cwd=programs.ROOT, **environment):
        return subprocess.run([str(part) for part in command], env={**os.environ, **KEYS, **environment}, capture_output=True, text=True,
                              timeout=90, check=False, cwd=cwd)

    def curl(self, *arguments):
        return programs.run("curl", "-sS", "--max-time", "30", *arguments, check=False)

    # Clients.

    def test_boto3_and_the_command_line_of_aws_are_given_https_endpoints_and_use_them(self):
        self.record(count=2)
        video = self.client("kinesisvideo")
        self.assertEqual([info["StreamName"] for info in video.list_streams()["StreamInfoList"]], ["door"])
        where = video.get_data_endpoint(StreamName="door", APIName="GET_MEDIA")["DataEndpoint"]
        self.assertEqual(where, self.url())
        # Live, while it is recorded.
        payload = self.client("kinesis-video-media", where).get_media(StreamName="door", StartSelector={"StartSelectorType": "NOW"})["Payload"]
        self.addCleanup(payload.close)
        fragments = documents.fragments(payload.read)
        seen = [next(fragments).number for _ in range(3)]
        self.assertEqual(seen, sorted(set(seen)))
        untrusting = boto3.client("kinesisvideo", endpoint_url=self.url(), region_name="us-east-1", aws_access_key_id="any",
                                  aws_secret_access_key="any", config=botocore.config.Config(retries={"max_attempts": 0}))
        self.addCleanup(untrusting.close)
        with self.assertRaises(botocore.exceptions.SSLError):
            untrusting.list_streams()
        done = self.run_with_keys(programs.foreign("aws"), "--endpoint-url", self.url(), "--output", "json", "kinesisvideo", "list-streams",
                                  AWS_CA_BUNDLE=str(self.ca))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["StreamInfoList"][0]["StreamName"], "door")

    def test_the_sdk_for_javascript(self):
        if not (AWS / "node_modules/@aws-sdk").exists():
            programs.run(programs.ROOT / "scripts/web_packages", "tests/e2e/aws", seconds=120)
        self.record(count=2)
        self.penstock.remove_source("door")
        done = self.run_with_keys(programs.foreign("node"), "list.mjs", self.url(), "door", cwd=AWS, NODE_EXTRA_CA_CERTS=str(self.ca))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["numbers"], [item["number"] for item in self.penstock.fragments("door")])

    def test_hls_plays_from_a_session_and_from_its_own_address(self):
        self.record(count=3)
        session = self.client("kinesis-video-archived-media").get_hls_streaming_session_url(StreamName="door")["HLSStreamingSessionURL"]
        self.assertTrue(session.startswith(self.url("/hls/")), session)
        for address in (session, self.url("/hls/door/index.m3u8")):
            self.assertEqual(media.codecs(address, "-tls_verify", "1", "-ca_file", str(self.ca)), ["h264", "aac"])
        self.penstock.remove_source("door")
        stored = self.url(self.penstock.stored_path("door"))
        self.assertEqual(media.decode_errors(stored, "-tls_verify", "1", "-ca_file", str(self.ca)), "")
        self.assertEqual(media.packet_hashes(stored), media.packet_hashes(self.penstock.stored("door")))
        link = self.penstock.cli_json("token", "create", "door")
        self.assertTrue(link["page"].startswith("https://localhost:"), link)

    def test_acks_come_while_the_media_is_sent(self):
        self.create()
        # "-T ." gives what comes back while there is more to send.
        upload = subprocess.Popen([programs.foreign("curl"), "-sSN", "--cacert", self.ca, "-X", "POST", "-T", ".", "-H", "x-amzn-stream-name: door",
                                   "-H", "x-amzn-fragment-timecode-type: ABSOLUTE", self.url("/putMedia")],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(upload.stdout.close)
        self.addCleanup(upload.kill)
        upload.stdin.write(producer.header())
        for i in range(3):
            timecode = START + i * 200
            upload.stdin.write(producer.cluster(timecode) + producer.END_OF_FRAGMENT)
            upload.stdin.flush()
            # curl's standard input stays open: what comes now is no answer to its end.
            kinds = []
            while "PERSISTED" not in kinds:
                ack = json.loads(upload.stdout.readline())
                self.assertEqual(ack["FragmentTimecode"], timecode)
                kinds.append(ack["EventType"])
        upload.stdin.close()
        self.assertEqual(upload.wait(30), 0)
        self.assertEqual(len(self.penstock.fragments("door")), 3)

    def test_the_samples_send_a_film(self):
        film = self.film()
        for name, command, variable in (
                ("python", ("/usr/bin/python3", SAMPLES / "put_media.py", "--endpoint", self.url(), "python", film), "SSL_CERT_FILE"),
                ("node", (programs.foreign("node"), SAMPLES / "put_media.mjs", self.url(), "node", film), "NODE_EXTRA_CA_CERTS")):
            self.create(name)
            if name == "node" and not (AWS / "node_modules/@aws-sdk").exists():
                programs.run(programs.ROOT / "scripts/web_packages", "tests/e2e/aws", seconds=120)
            done = self.run_with_keys(*command, cwd=AWS, **{variable: str(self.ca)})
            self.assertEqual(done.returncode, 0, done.stderr)
            stored = media.packet_hashes(self.penstock.stored(name), "--", "-map", "0:v", "-c:v", "rawvideo")[0]
            sent = media.packet_hashes(film, "--", "-map", "0:v", "-c:v", "rawvideo")[0]
            self.assertEqual([packet[1:] for packet in stored], [packet[1:] for packet in sent], name)

    def test_who_speaks_another_protocol_is_told_so(self):
        plain = self.curl("-w", "%{http_code}", f"http://{self.penstock.https}/healthz")
        self.assertIn("write https:// in the address", plain.stdout)
        self.assertTrue(plain.stdout.endswith("400"), plain.stdout)
        # Where both are offered it is HTTP/1.1.
        both = self.curl("--http2", "--cacert", self.ca, "-w", "%{http_version} %{http_code}", "-o", os.devnull, self.url("/healthz"))
        self.assertEqual(both.stdout, "1.1 200", both.stderr)
        only = programs.run("openssl", "s_client", "-connect", self.penstock.https, "-alpn", "h2", check=False)
        self.assertIn("no application protocol", only.stderr)
        old = programs.run("openssl", "s_client", "-connect", self.penstock.https, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", check=False)
        self.assertNotEqual(old.returncode, 0)
        for version in ("-tls1_2", "-tls1_3"):
            done = programs.run("openssl", "s_client", "-connect", self.penstock.https, version, "-CAfile", self.ca, "-verify_return_error",
                                "-verify_hostname", "cam.example")
            self.assertIn("Verify return code: 0 (ok)", done)

    # The command line.

    def ask(self, *words, server=None, ca=None, **environment):
        """`penstock …` as on another machine: no data folder is near."""
        flags = [*(("--server", server) if server else ()), *(("--ca", ca) if ca else ())]
        return self.run_with_keys(programs.ours("penstock"), *words, *flags, cwd=self.folder, **environment)

    def said_by(self, code, *words, **where):
        done = self.ask(*words, **where)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        return done.stderr

    def without_trust(self):
        """Who comes from this machine needs a key as well; an admin's."""
        secret = self.penstock.cli_json("key", "create", "boss", "--role", "admin")["secret"]
        self.penstock.options.append("--trust-loopback=no")
        self.penstock.stop()
        self.penstock.start()
        return secret

    def test_the_command_line_asks_a_server_elsewhere(self):
        secret = self.without_trust()
        here = {"server": self.url(), "ca": self.ca}
        self.assertIn("key", self.said_by(1, "stream", "create", "door", **here))
        made = self.ask("stream", "create", "door", "--json", **here, PENSTOCK_KEY=secret)
        self.assertEqual((made.returncode, json.loads(made.stdout)["name"]), (0, "door"), made.stderr)
        film = self.film()
        sent = self.run_with_keys("/usr/bin/python3", SAMPLES / "put_media.py", "--endpoint", self.url(), "door", film, SSL_CERT_FILE=str(self.ca),
                                  AWS_ACCESS_KEY_ID="boss", AWS_SECRET_ACCESS_KEY=secret)
        self.assertEqual(sent.returncode, 0, sent.stderr)
        # All of it from the environment, as a machine would have it that always asks the same server.
        named = {"PENSTOCK_SERVER": self.url().replace("127.0.0.1", "boss:" + secret + "@localhost"), "PENSTOCK_CA": str(self.ca)}
        for words in (("stream", "list"), ("stream", "coverage", "door"), ("fragments", "door"), ("source", "list"), ("source", "status"),
                      ("hold", "list"), ("key", "list")):
            with self.subTest(words):
                done = self.ask(*words, "--json", **named)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual({**json.loads(done.stdout), "now": ""}, {**self.penstock.cli_json(*words), "now": ""})
        link = self.ask("token", "create", "door", "--json", **named)
        self.assertTrue(json.loads(link.stdout)["page"].startswith(self.url("/").replace("127.0.0.1", "localhost")), link.stdout)
        exported = self.ask("export", "door", "-o", "copy.mkv", **named)
        self.assertEqual(exported.returncode, 0, exported.stderr)
        self.penstock.cli("export", "door", "-o", self.folder / "local.mkv")
        self.assertEqual((self.folder / "copy.mkv").read_bytes(), (self.folder / "local.mkv").read_bytes())
        self.assertEqual(self.ask("stream", "delete", "door", "--yes", **named).returncode, 0)
        # A flag is nearer than the environment.
        done = self.ask("stream", "list", "--data", self.penstock.data, "--json", PENSTOCK_SERVER="https://192.0.2.1")
        self.assertEqual(json.loads(done.stdout)["streams"], [], done.stderr)

    def test_the_command_line_says_why_a_server_is_not_asked(self):
        trusted = {"ca": self.ca}
        said = self.said_by(1, "stream", "list", server=self.url())
        self.assertIn("signed by nobody whom this machine trusts", said)
        self.assertIn("--ca <file> says whom else to trust", said)
        programs.run(programs.ours("penstock"), "cert", "create", "cam.example", "--out", self.folder / "other")
        said = self.said_by(1, "stream", "list", server=self.url(), ca=self.folder / "other/ca.pem")
        self.assertIn("signed by nobody whom this machine trusts", said)
        self.assertNotIn("--ca <file>", said)
        self.assertIn("is not for 127.0.0.1", self.said_by(1, "stream", "list", server=self.other_name(), **trusted))
        self.assertIn("the peer does not speak TLS at this port", self.said_by(1, "stream", "list", server=f"https://{self.penstock.http}", **trusted))
        self.assertIn("write https:// in the address", self.said_by(1, "stream", "list", server=f"http://{self.penstock.https}"))
        self.assertEqual(self.ask("stream", "list", server=f"http://{self.penstock.http}").returncode, 0)
        self.penstock.stop()
        self.assertIn(f"no server answers at {self.url()}", self.said_by(3, "stream", "list", server=self.url(), **trusted))
        for words, where, expected in (
                (("--data", self.folder), {"server": self.url()}, "--server and --data name a server each"),
                ((), trusted, "--ca is for a server that --server names"),
                ((), {"server": self.url().replace("https", "http"), **trusted}, "--ca is for https://, and --server says http://"),
                ((), {"server": self.url("/api?key=hidden"), **trusted}, "only scheme, key, host and port are wanted"),
                ((), {"server": "ftp://boss:hidden@127.0.0.1"}, "begins with neither http:// nor https://"),
                ((), {"server": self.url(), "ca": self.folder / "none.pem"}, "none.pem")):
            with self.subTest(expected):
                said = self.said_by(1, "stream", "list", *words, **where)
                self.assertIn(expected, said)
                self.assertNotIn("hidden", said)
        self.assertIn("there is no flag --server", self.said_by(2, "store", "check", server=self.url()))

    def other_name(self):
        """The URL of somebody whom our authority certifies as another host."""
        request, signed = self.folder / "elsewhere.csr", self.folder / "elsewhere.pem"
        programs.run("openssl", "req", "-new", "-key", self.key, "-subj", "/CN=elsewhere.example", "-addext",
                     "subjectAltName=DNS:elsewhere.example", "-out", request)
        programs.run("openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.folder / "ca.key", "-copy_extensions", "copy",
                     "-days", "2", "-out", signed)
        server = self.start(programs.Program, programs.foreign("openssl"), "s_server", "-accept", "127.0.0.1:0", "-www", "-cert", signed,
                            "-key", self.key)
        return "https://" + server.wait_for_line("ACCEPT ").split()[1]

    # Certificates.

    def shown(self):
        host, port = self.penstock.https.split(":")
        return ssl.get_server_certificate((host, int(port))).strip()

    def wait_until_shown(self, certificate):
        waiting.until_equal("the certificate", self.shown, certificate.read_text().strip(), 60)

    def log_says(self, words):
        waiting.until(words, lambda: words in self.penstock.program.tail(1000), 60)

    def test_certificates_change_while_a_stream_runs_and_faulty_ones_change_nothing(self):
        self.record()
        payload = self.client("kinesis-video-media").get_media(StreamName="door", StartSelector={"StartSelectorType": "NOW"})["Payload"]
        self.addCleanup(payload.close)
        fragments = documents.fragments(payload.read)
        numbers = [next(fragments).number]
        before = self.shown()
        programs.run(programs.ours("penstock"), "cert", "create", "cam.example", "--out", self.folder, "--renew")
        self.assertNotEqual(self.certificate.read_text().strip(), before)
        self.wait_until_shown(self.certificate)
        numbers.append(next(fragments).number)

        # The same authority, so that clients notice nothing.
        self.client("kinesisvideo").list_streams()
        good = (self.certificate.read_text(), self.key.read_text())
        self.key.write_text("no key")
        self.log_says("certificate not renewed: the old one stays in use")
        self.log_says("server.key: no private key in PEM form")
        self.assertEqual(self.shown(), good[0].strip())
        request = self.folder / "ended.csr"
        programs.run("openssl", "req", "-new", "-key", self.folder / "ca.key", "-subj", "/CN=cam.example", "-out", request)
        shutil.copy(self.folder / "ca.key", self.key)
        programs.run("openssl", "x509", "-req", "-in", request, "-signkey", self.key, "-days", "-1", "-out", self.certificate)
        self.log_says("the new certificate has ended")
        self.assertEqual(self.shown(), good[0].strip())
        self.certificate.write_text(good[0])
        self.key.write_text(good[1])
        self.client("kinesisvideo").list_streams()
        numbers.append(next(fragments).number)
        self.assertEqual(numbers, sorted(set(numbers)))

    def test_cert_create_overwrites_nothing_and_keeps_keys_to_its_user(self):
        self.assertEqual({path.name: path.stat().st_mode & 0o777 for path in self.folder.glob("*.*")},
                         {"ca.pem": 0o644, "ca.key": 0o600, "server.pem": 0o644, "server.key": 0o600})
        self.assertIn(f"AWS_CA_BUNDLE={self.ca}", self.said)
        texts = [path.read_text() for path in sorted(self.folder.glob("*.*"))]
        again = programs.run(programs.ours("penstock"), "cert", "create", "cam.example", "--out", self.folder, check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("is there already, and nothing is overwritten", again.stderr)
        self.assertEqual([path.read_text() for path in sorted(self.folder.glob("*.*"))], texts)
        for name in ("cam example", "10.0.0.300"):
            wrong = programs.run(programs.ours("penstock"), "cert", "create", name, "--out", self.folder / "new", check=False)
            self.assertIn("neither a host's name nor a numeric address", wrong.stderr)
            self.assertFalse((self.folder / "new").exists())
        facts = json.loads(programs.run(programs.ours("penstock"), "cert", "show", self.certificate, "--json"))
        self.assertEqual(facts["names"], ["cam.example", "192.0.2.7", "localhost", "127.0.0.1", "::1"])
        self.assertEqual(facts["fingerprint"],
                         programs.run("openssl", "x509", "-in", self.certificate, "-noout", "-fingerprint", "-sha256").strip().split("=")[1]
                         .replace(":", "").lower())
        self.assertIn("OK", programs.run("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", self.ca, self.certificate))

    def test_the_configuration_is_checked_with_its_files(self):
        config = self.folder / "penstock.yaml"
        for text, words in (("https: 8443\n", "https needs a certificate and its key: set tls.certificate and tls.key"),
                            (f"https: 8443\ntls: {{certificate: {self.ca}, key: {self.key}}}\n", "the key does not belong to the certificate")):
            config.write_text(text)
            self.assertIn(words, programs.run(programs.ours("penstock"), "config", "check", config, check=False).stderr)
        config.write_text(f"https: 8443\ntls: {{certificate: {self.certificate}, key: {self.key}}}\n")
        self.assertIn("is fine", programs.run(programs.ours("penstock"), "config", "check", config))

    # Temporary keys.

    def test_a_temporary_key_works_with_its_token_until_it_ends(self):
        made = self.penstock.cli_json("key", "create", "shift", "--session", "--for", "10m")
        keys = {"aws_access_key_id": "shift", "aws_secret_access_key": made["secret"]}
        self.record()

        def refusal(**more):
            with self.assertRaises(botocore.exceptions.ClientError) as caught:
                self.client("kinesisvideo", **{**keys, **more}).list_streams()
            return caught.exception.response["Error"]["Code"], caught.exception.response["ResponseMetadata"]["HTTPStatusCode"]
        video = self.client("kinesisvideo", aws_session_token=made["session_token"], **keys)
        self.assertEqual([info["StreamName"] for info in video.list_streams()["StreamInfoList"]], ["door"])
        self.assertEqual(refusal(), ("UnrecognizedClientException", 403))
        self.assertEqual(refusal(aws_session_token="another"), ("UnrecognizedClientException", 403))
        done = self.run_with_keys(programs.foreign("aws"), "--endpoint-url", self.url(), "kinesisvideo", "list-streams", AWS_CA_BUNDLE=str(self.ca),
                                  AWS_ACCESS_KEY_ID="shift", AWS_SECRET_ACCESS_KEY=made["secret"], AWS_SESSION_TOKEN=made["session_token"])
        self.assertEqual(done.returncode, 0, done.stderr)
        short = self.penstock.cli_json("key", "create", "short", "--session", "--for", "1s")
        keys = {"aws_access_key_id": "short", "aws_secret_access_key": short["secret"], "aws_session_token": short["session_token"]}

        def ended():
            try:
                self.client("kinesisvideo", **keys).list_streams()
            except botocore.exceptions.ClientError as error:
                return error.response["Error"]["Code"]
            return None
        self.assertEqual(waiting.until("its end", ended), "ExpiredTokenException")
        lasting = self.penstock.cli_json("key", "create", "lasting", "--role", "viewer")
        self.assertEqual(refusal(aws_access_key_id="lasting", aws_secret_access_key=lasting["secret"], aws_session_token=made["session_token"]),
                         ("UnrecognizedClientException", 403))
        self.assertIn(made["expires"], self.penstock.cli("key", "list"))


if __name__ == "__main__":
    unittest.main()
