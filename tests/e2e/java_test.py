"""Amazon's own Java clients: the producer library, whose core is that of kvssink, and the parser library. Debian's Python has boto3: /usr/bin/python3."""

import hashlib
import io
import pathlib
import sys
import tempfile
import unittest
import zipfile

import boto3
import botocore.config

from harness import media, programs, waiting
from harness.server import ServerTest

sys.path.insert(0, str(programs.ROOT / "samples/ml_consumer"))
import documents  # noqa: E402

SOURCES, BUILT = programs.ROOT / "tests/e2e/java", programs.ROOT / "build/java"
NATIVE = "libKinesisVideoProducerJNI.so"
PICTURES_A_FRAGMENT = 10
MS_A_PICTURE = 40
CODEC_PRIVATE, TRACK_ENTRY = 0x63A2, 0xAE


class Film:
    """Pictures of H.264 as the encoder gives them, in a folder as the sender wants them."""

    def __init__(self, folder, seconds):
        path = pathlib.Path(folder, "film.mkv")
        programs.run("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-t", seconds, "-pix_fmt", "yuv420p", "-c:v",
                     "libx264", "-bf", "0", "-g", PICTURES_A_FRAGMENT, "-keyint_min", PICTURES_A_FRAGMENT, "-sc_threshold", "0", path)
        self.pictures, private = [], None
        content = path.read_bytes()
        segment = next(body for identity, body in documents.children(content) if identity == documents.SEGMENT)
        for identity, body in documents.children(segment):
            if identity == documents.TRACKS:
                private = documents.child(documents.child(body, TRACK_ENTRY), CODEC_PRIVATE)
            elif identity == documents.CLUSTER:
                self.pictures += blocks(body)
        self.folder = pathlib.Path(folder, "pictures")
        self.folder.mkdir()
        (self.folder / "private").write_bytes(private)
        for i, picture in enumerate(self.pictures):
            kind = "delta" if i % PICTURES_A_FRAGMENT else "key"
            (self.folder / f"{i:05}.{kind}").write_bytes(picture)

    def fragments(self):
        """The pictures of each fragment."""
        return [self.pictures[at:at + PICTURES_A_FRAGMENT] for at in range(0, len(self.pictures), PICTURES_A_FRAGMENT)]


def blocks(cluster):
    return [block[4:] for identity, block in documents.children(cluster) if identity == documents.SIMPLE_BLOCK]


def elements(document):
    """(identity, content) of what is in a document's segment."""
    stream = io.BytesIO(document)
    following = None
    try:
        while True:
            identity, _, size = following or documents.read_head(stream.read)
            following = None
            if identity == documents.SEGMENT:
                continue
            if size is None:
                body, following = documents.read_open_cluster(stream.read)
            else:
                body = documents.read_exactly(stream.read, size)
            yield identity, body
    except documents.Ended:
        return


def pictures_of(document):
    return [picture for identity, body in elements(document) if identity == documents.CLUSTER for picture in blocks(body)]


def tags_of(document):
    return {name: value for identity, body in elements(document) if identity == documents.TAGS for name, value in documents.tags_of(body).items()}


def told(program, word):
    """What a Java program has said behind this word, each time."""
    return [line.split(" ")[1:] for line in list(program.lines) if line.split(" ")[0] == word]


class Java(ServerTest):
    options = ("--aws-media-idle=1s",)

    @classmethod
    def setUpClass(cls):
        programs.run(programs.ROOT / "scripts/java_packages", seconds=600)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="penstock-e2e-java-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        library, = BUILT.glob("lib/amazon-kinesis-video-streams-producer-sdk-java-*.jar")
        with zipfile.ZipFile(library) as jar:
            (self.folder / NATIVE).write_bytes(jar.read(f"lib/ubuntu/{NATIVE}"))
        self.java_options = []
        super().setUp()

    def java(self, name, *arguments):
        return self.start(programs.Program, programs.foreign("java"), "-Xmx256m", f"-Djava.library.path={self.folder}",
                          f"-Dlog4j.configurationFile={SOURCES}/log4j2.properties", *self.java_options, "-cp", f"{BUILT}/classes:{BUILT}/lib/*",
                          f"penstock.{name}", *arguments)

    def send(self, film, keys=("any", "any"), url=None):
        return self.java("Send", url or self.penstock.url(""), "door", film.folder, *keys)

    def read(self, what, keys=("any", "any"), url=None):
        return self.java("Read", url or self.penstock.url(""), "door", *keys, what)

    def client(self, service):
        client = boto3.client(service, endpoint_url=self.penstock.url(""), region_name="us-east-1", aws_access_key_id="any",
                              aws_secret_access_key="any", config=botocore.config.Config(retries={"max_attempts": 0}))
        self.addCleanup(client.close)
        return client

    def stored(self):
        """GetMedia's fragments, from the oldest on."""
        payload = self.client("kinesis-video-media").get_media(StreamName="door", StartSelector={"StartSelectorType": "EARLIEST"})["Payload"]
        return list(documents.fragments(payload.read))

    def wait_for(self, program, what, count):
        def there():
            found = told(program, what)
            return found if len(found) >= count else None
        try:
            return waiting.until(f"{count} lines of {what}", there)
        except waiting.NotInTime as error:
            raise AssertionError(f"{error}\n{program.tail()}") from None

    def check_sent(self, sender, film):
        """The sender is content, and what is stored is the film, each fragment once. Returns the fragments."""
        self.assertEqual(sender.wait(60), 0, sender.tail())
        begin, = told(sender, "begin")
        times = [int(begin[0]) + i * PICTURES_A_FRAGMENT * MS_A_PICTURE for i in range(len(film.fragments()))]
        for trouble in ("dropped-frame", "dropped-fragment"):
            self.assertEqual(told(sender, trouble), [])
        stored = self.stored()
        self.assertEqual([round(fragment.producer_time * 1000) for fragment in stored], times)
        self.assertEqual({(int(time), number) for time, number, _ in told(sender, "PERSISTED")},
                         set(zip(times, (fragment.number for fragment in stored))))
        for i, (fragment, pictures) in enumerate(zip(stored, film.fragments(), strict=True)):
            self.assertEqual(pictures_of(fragment.document), pictures, f"fragment {i}")
            self.assertEqual(tags_of(fragment.document)["picture"], str(i * PICTURES_A_FRAGMENT))
        took, = told(sender, "stopped")
        self.assertLess(int(took[0]), 5000, f"the library ends when its last fragment is durable, not at its time limit\n{sender.tail()}")
        return stored

    def check_read(self, reader, stored, film):
        """The parser library has told of each stored fragment once, in their order, with what is in it."""
        expected = [[fragment.number, str(round(fragment.server_time * 1000)), str(round(fragment.producer_time * 1000)),
                     str(PICTURES_A_FRAGMENT), hashlib.sha256(b"".join(pictures)).hexdigest(), "V_MPEG4/ISO/AVC",
                     f"{{picture={i * PICTURES_A_FRAGMENT}}}"]
                    for i, (fragment, pictures) in enumerate(zip(stored, film.fragments()))]
        self.assertEqual(self.wait_for(reader, "fragment", len(expected)), expected)

    def test_the_producer_makes_its_stream_and_gets_all_acks_for_what_comes_back_byte_for_byte(self):
        secret = self.penstock.cli_json("key", "create", "camera", "--role", "publisher", "--streams", "door")["secret"]
        film = Film(self.folder, 2.4)
        sender = self.send(film, ("camera", secret))
        stored = self.check_sent(sender, film)
        for fragment in stored:
            acks = [(line.split()[0], line.split()[-1]) for line in sender.lines if fragment.number in line]
            self.assertEqual(acks, [("BUFFERING", "200"), ("RECEIVED", "200"), ("PERSISTED", "200")])
        self.assertEqual(told(sender, "ERROR") + told(sender, "stream-error"), [])
        control = self.client("kinesisvideo")
        info = control.describe_stream(StreamName="door")["StreamInfo"]
        self.assertEqual((info["MediaType"], info["DataRetentionInHours"]), ("video/h264", 2))
        self.assertEqual(control.list_tags_for_stream(StreamName="door")["Tags"], {"site": "gate-3"})
        self.assertEqual(media.decode_errors(self.penstock.stored("door")), "")

    def test_producer_and_reader_go_on_over_kill_9_without_loss_or_repetition(self):
        film = Film(self.folder, 10)
        sender = self.send(film)
        self.wait_for(sender, "PERSISTED", 1)
        reader = self.read("EARLIEST")
        self.wait_for(sender, "PERSISTED", 4)
        self.wait_for(reader, "fragment", 2)
        self.penstock.kill()
        self.assertTrue(sender.running(), "it is in the middle")
        self.penstock.start()
        stored = self.check_sent(sender, film)
        self.check_read(reader, stored, film)

    def test_the_parser_library_reads_live_and_by_list_what_the_producer_sends(self):
        film = Film(self.folder, 8)
        sender = self.send(film)
        self.wait_for(sender, "PERSISTED", 1)
        live = self.read("NOW")
        self.wait_for(live, "fragment", 2)
        self.assertEqual(told(sender, "end"), [], "it is read while it is sent")
        stored = self.check_sent(sender, film)
        listing = self.read("list")
        self.assertEqual(listing.wait(60), 0, listing.tail())
        self.check_read(listing, stored, film)
        waiting.until("the newest fragment", lambda: told(live, "fragment")[-1][0] == stored[-1].number)
        seen = told(live, "fragment")
        self.assertEqual(seen, told(listing, "fragment")[-len(seen):], "from where it began, each once")

    def test_both_speak_https_with_a_certificate_of_a_private_authority(self):
        programs.run(programs.ours("penstock"), "cert", "create", "cam.example", "--out", self.folder / "pki")
        trusted = self.folder / "trusted.p12"
        programs.run(programs.foreign("keytool"), "-importcert", "-noprompt", "-alias", "penstock", "-file", self.folder / "pki/ca.pem",
                     "-keystore", trusted, "-storetype", "PKCS12", "-storepass", "changeit")
        self.penstock.stop()
        self.penstock.options += ("--https", "127.0.0.1:0", "--tls-certificate", self.folder / "pki/server.pem", "--tls-key",
                                  self.folder / "pki/server.key")
        self.penstock.start()
        self.java_options = [f"-Djavax.net.ssl.trustStore={trusted}", "-Djavax.net.ssl.trustStorePassword=changeit"]
        film, url = Film(self.folder, 2), f"https://{self.penstock.https}"
        stored = self.check_sent(self.send(film, url=url), film)
        listing = self.read("list", url=url)
        self.assertEqual(listing.wait(60), 0, listing.tail())
        self.check_read(listing, stored, film)


if __name__ == "__main__":
    unittest.main()
