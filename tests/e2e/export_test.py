"""The command line on what is stored: a range as .mkv files, and what it says of damage."""

import json
import pathlib
import shutil
import tempfile
import unittest

from harness import cameras, damage, films, media, playlists, programs, terminal, waiting
from harness.server import ServerTest

CAMERA = ("--width", "640", "--height", "360", "--kbps", "800")


class Export(ServerTest):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-e2e-export-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.file = self.folder / "door.mkv"

    def record(self, *options, until=lambda segments: len(segments) >= 6):
        """A finished recording, as its playlist."""
        camera = self.start(cameras.SyntheticCamera, *CAMERA, *options)
        self.penstock.add_source("door", camera.url)
        waiting.until("enough is stored", lambda: until(self.stored()), 60, pause=0.2)
        self.penstock.remove_source("door")
        return self.stored()

    def stored(self):
        status, _ = self.penstock.call("GET", self.penstock.stored_path("door"))
        return playlists.parse(self.penstock.get(self.penstock.stored_path("door")).decode()) if status == 200 else []

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())

    def damage_one(self, segments):
        """Flips a bit in the middle of the recording; the server has nothing of it in memory any more."""
        piece = damage.middle(self.penstock.get(f"/hls/door/{segments[len(segments) // 2].uri}"))
        self.penstock.stop()
        damage.flip(*damage.segment_file(self.penstock.data, piece))

    def test_each_format_of_the_camera_is_a_file_that_players_open(self):
        self.record("--resize-after", "6", until=lambda segments: len({s.init for s in segments}) == 2 and segments[-3].init == segments[-1].init)
        said = self.penstock.cli_json("export", "door", "-o", self.file)
        self.assertEqual(self.files(), ["door-2.mkv", "door.mkv"])
        self.assertEqual((said["file"], said["files"]), (str(self.file), [str(self.file), str(self.folder / "door-2.mkv")]))
        self.assertEqual((said["missing_bytes"], said["fragments"]), (0, len(self.penstock.fragments("door"))))
        self.assertEqual(said["bytes"], sum(path.stat().st_size for path in self.folder.iterdir()))
        for name, width in ("door.mkv", 640), ("door-2.mkv", 320):
            tracks = {track["codec_name"]: track for track in media.streams(self.folder / name)}
            self.assertEqual(sorted(tracks), ["aac", "h264"])
            self.assertEqual(tracks["h264"]["width"], width)

    def test_uploads_are_exported_though_their_bytes_are_not_known_beforehand(self):
        film = self.folder / "film.mkv"
        films.make(film, 3)
        self.penstock.cli("stream", "create", "door")
        films.send(self.penstock.url(""), "door", film, 1_768_478_400)
        said = self.penstock.cli_json("export", "door", "-o", self.file)
        self.assertEqual((said["fragments"], said["bytes"]), (3, self.file.stat().st_size))
        self.assertNotIn("missing_bytes", said)
        exported, sent = (media.packet_hashes(path) for path in (self.file, film))
        self.assertEqual({track: [packet[1:] for packet in packets] for track, packets in exported.items()},
                         {track: [packet[1:] for packet in packets] for track, packets in sent.items()})

    def test_an_mp4_has_the_frames_and_times_of_the_mkv(self):
        self.record("--resize-after", "6", until=lambda segments: len({s.init for s in segments}) == 2 and segments[-3].init == segments[-1].init)
        self.penstock.cli("export", "door", "-o", self.file)
        mp4 = self.folder / "door.mp4"
        said = self.penstock.cli_json("export", "door", "-o", mp4)
        self.assertEqual(self.files(), ["door-2.mkv", "door-2.mp4", "door.mkv", "door.mp4"])
        self.assertEqual((said["missing_fragments"], said["fragments"]), (0, len(self.penstock.fragments("door"))))
        self.assertEqual(said["bytes"], sum(path.stat().st_size for path in self.folder.glob("*.mp4")))
        for name in ("door", "door-2"):
            of_mkv, of_mp4 = (media.packet_times(self.folder / f"{name}.{kind}") for kind in ("mkv", "mp4"))
            self.assertEqual(sorted(of_mp4), ["audio", "video"])
            for kind, packets in of_mkv.items():
                self.assertEqual([digest for _, digest in of_mp4[kind]], [digest for _, digest in packets], (name, kind))
                for (at_mp4, _), (at_mkv, _) in zip(of_mp4[kind], packets):
                    self.assertAlmostEqual(at_mp4, at_mkv, delta=0.0021, msg=(name, kind))
            self.assertEqual(media.decode_errors(self.folder / f"{name}.mp4"), "")

    def test_a_terminal_shows_how_far_it_is_and_a_pipe_does_not(self):
        self.record()
        command = (programs.ours("penstock"), "export", "door", "--data", self.penstock.data, "-o", self.file)
        shown = self.start(terminal.Terminal, *command)
        self.assertEqual(shown.wait(), 0, shown.tail())
        self.assertRegex(shown.tail(), r"100 %  .+ of .+/s")
        self.assertIn("fragments", shown.tail())
        quiet = self.start(terminal.Terminal, *command, "--quiet")
        self.assertEqual(quiet.wait(), 0, quiet.tail())
        self.assertNotIn("%", quiet.tail())
        piped = self.penstock.cli("export", "door", "-o", self.file, check=False)
        self.assertEqual((piped.returncode, piped.stderr), (0, ""))
        self.assertEqual(self.files(), ["door.mkv"])

    def test_what_is_damaged_is_left_out_and_said_and_an_error(self):
        self.damage_one(self.record())
        self.penstock.start()
        fragments = self.penstock.fragments("door")
        done = self.penstock.cli("export", "door", "-o", self.file, "--json", check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("fragments that are damaged or have expired meanwhile were left out", done.stderr)
        said = json.loads(done.stdout)
        self.assertEqual(said["missing_bytes"], fragments[len(fragments) // 2]["bytes"])
        self.assertEqual(said["bytes"], self.file.stat().st_size)
        self.assertEqual(self.files(), ["door.mkv"])
        self.assertEqual(sorted(media.codecs(self.file)), ["aac", "h264"])
        done = self.penstock.cli("export", "door", "--format", "mp4", "-o", self.file, "--json", check=False)
        self.assertEqual((done.returncode, json.loads(done.stdout)["missing_fragments"]), (1, 1), done.stderr)
        self.assertIn("1 of fragments that are damaged", done.stderr)
        self.assertEqual(sorted(media.codecs(self.file)), ["aac", "h264"])

    def test_what_cannot_be_exported_leaves_nothing_behind(self):
        self.record()
        for name, words in ("nobody", "nobody"), ("door", "nothing"):
            done = self.penstock.cli("export", name, "--end", "2001-01-01T00:00:00Z", "-o", self.file, check=False)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn(words, done.stderr)
        self.assertEqual(self.files(), [])

    def test_store_check_is_sound_or_says_where_it_is_not(self):
        segments = self.record()
        self.penstock.stop()
        done = self.penstock.cli("store", "check", "--json", check=False)
        self.assertEqual((done.returncode, json.loads(done.stdout)["sound"]), (0, True), done.stdout)
        self.penstock.start()
        self.damage_one(segments)
        done = self.penstock.cli("store", "check", "--json", check=False)
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, report["sound"]), (1, False), done.stdout)
        self.assertEqual(len([finding for finding in report["findings"] if finding["harmful"]]), 1, report)


if __name__ == "__main__":
    unittest.main()
