"""Small volumes: one that is full, and one that is kept from being so. A file system in memory, in a mount namespace of the server's own."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import cameras, media, playlists, programs, waiting
from harness.server import Penstock

MOUNT = 'mount -t tmpfs -o "size=$1" none "$2" && mkdir "$2/data" && shift 2 && exec "$@"'


def namespace():
    """unshare with what it takes to mount something. In a chroot the kernel makes no user namespace, and root needs none."""
    command = (programs.foreign("unshare"), "--user", "--map-root-user", "--mount")
    refused = subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0
    return (command[0], "--mount") if refused and os.geteuid() == 0 else command


class OnSmallVolume(Penstock):
    def __init__(self, size, config):
        self.size = size
        self.mount_point = pathlib.Path(tempfile.mkdtemp(prefix="penstock-small-"))
        self.config = self.mount_point.with_suffix(".yaml")
        self.config.write_text(config)
        super().__init__(data=str(self.mount_point / "data"))

    def start(self):
        self.program = programs.Program(
            *namespace(), "sh", "-c", MOUNT, "sh", self.size, self.mount_point,
            programs.ours("penstock"), "serve", "--config", self.config, "--data", self.data, "--http", self.http, "--rtsp", self.rtsp)
        self.program.wait_for_line(" data ", 60)
        # As it is seen from outside of its namespace.
        self.volume = f"/proc/{self.program.process.pid}/root{self.mount_point}"
        self.data = self.volume + "/data"
        self.http = self._announced(r"http://([^/]+)/")
        self.rtsp = self._announced(r"rtsp://([^/]+)/")
        waiting.until("healthy", lambda: self.get("/healthz"))

    def free(self):
        space = os.statvfs(self.volume)
        return space.f_bavail * space.f_frsize

    def close(self):
        super().close()
        self.config.unlink()
        shutil.rmtree(self.mount_point, ignore_errors=True)


class Disk(unittest.TestCase):
    def serve(self, size, config):
        penstock = OnSmallVolume(size, config)
        self.addCleanup(penstock.close)
        return penstock

    def simulate(self, *options):
        camera = cameras.Simulator(*options)
        self.addCleanup(camera.close)
        return camera

    def test_a_full_volume_is_said_live_goes_on_and_it_ends_by_itself(self):
        penstock = self.serve("160m", "store:\n  segment: 16MB\n")
        penstock.add_source("camera", self.simulate().url)
        before = penstock.wait_for_fragments("camera", 3)
        ballast = pathlib.Path(penstock.volume, "ballast")
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, penstock.free() - (4 << 20))
        penstock.wait_for_state("camera", "waiting", "disk full")
        self.assertEqual(penstock.call("GET", "/healthz")[0], 503)

        def stored():
            return [fragment["number"] for fragment in penstock.fragments("camera") if "dropped" not in fragment["flags"]]
        before_it = stored()

        lengths = {}

        def newest():
            listed = playlists.parse(penstock.get("/hls/camera/index.m3u8").decode())
            for segment in listed:
                self.assertEqual(segment.seconds, lengths.setdefault(segment.sequence, segment.seconds), "an entry changed under a player")
            return listed[-1].sequence
        seen = newest()
        waiting.until("three fragments more are live", lambda: newest() >= seen + 3, 30)
        ballast.unlink()
        penstock.wait_for_state("camera", "recording")
        waiting.until("fragments are stored again", lambda: len(stored()) >= len(before_it) + 2)
        self.assertEqual(stored()[:len(before_it)], before_it)
        self.assertLessEqual({fragment["number"] for fragment in before}, set(before_it))
        self.assertEqual(penstock.call("GET", "/healthz")[0], 200)
        self.assertTrue([item for item in penstock.items("camera") if item["kind"] == "gap"], "what was not stored is a gap")

    def test_the_oldest_media_makes_room_and_nothing_is_refused(self):
        penstock = self.serve("220m", "store:\n  segment: 16MB\n  min_free: 80MB\n")
        camera = self.simulate("--count", "4", "--kbps", "8000")
        for i in range(4):
            penstock.add_source(f"camera{i}", camera.camera(i))
        waiting.until("the oldest media made room", lambda: penstock.metric("penstock_store_made_room_bytes_total") > 0, 120)
        made = penstock.metric("penstock_store_made_room_bytes_total")
        waiting.until("and again", lambda: penstock.metric("penstock_store_made_room_bytes_total") > made, 60)
        self.assertGreater(penstock.free(), 40 << 20)
        self.assertEqual(penstock.metrics()['penstock_store_refused_total{reason="full"}'], 0)
        for i in range(4):
            self.assertEqual(penstock.publication(f"camera{i}")["state"], "recording")
            ordinals = [fragment["ordinal"] for fragment in penstock.fragments(f"camera{i}")]
            self.assertEqual(ordinals, list(range(ordinals[0], ordinals[-1] + 1)))
        self.assertGreater(penstock.fragments("camera0")[0]["ordinal"], 0)
        stats = penstock.cli_json("store", "stats")
        self.assertGreater(stats["keeps_seconds"], 5)
        self.assertLess(stats["keeps_seconds"], 120)
        self.assertIn("Mbit/s", penstock.cli("store", "stats"))
        end = playlists.unix_ms(penstock.fragments("camera0")[-1]["start"])
        self.assertEqual(media.decode_errors(penstock.hls("camera0", f"?start={end - 10_000}&end={end}")), "")
        said = penstock.cli("stream", "retention", "camera1", "--max-bytes", "50MB")
        self.assertIn("at most 50", said)
        self.assertLessEqual(penstock.call("GET", "/api/v1/streams/camera1")[1]["bytes"], 50_000_000)


if __name__ == "__main__":
    unittest.main()
