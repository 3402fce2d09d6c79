"""SIGHUP: the configuration of a running server, changed without a restart; and what systemd is told."""

import os
import pathlib
import shutil
import signal
import socket
import tempfile
import unittest

from harness import cameras, programs
from harness.server import Penstock, ServerTest

CAMERA = ("--width", "640", "--height", "360", "--kbps", "800")


class Reload(ServerTest):
    def setUp(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-e2e-reload-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.file = folder / "penstock.yaml"
        self.service_manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.service_manager.close)
        self.service_manager.bind(str(folder / "notify"))
        self.service_manager.settimeout(60)
        self.camera = self.start(cameras.SyntheticCamera, *CAMERA)
        self.write(("kept", self.camera.url))
        os.environ["NOTIFY_SOCKET"] = str(folder / "notify")
        self.addCleanup(os.environ.pop, "NOTIFY_SOCKET")
        self.penstock = Penstock(options=("--config", self.file))
        self.addCleanup(self.penstock.close)
        self.assertEqual(self.told(), "READY=1")

    def write(self, *sources, more=""):
        self.file.write_text("sources:\n" + "".join(f"  - name: {name}\n    url: {url}\n" for name, url in sources) + more)

    def told(self):
        return self.service_manager.recv(4096).decode()

    def reload(self):
        """What systemd was told of it; the end of the log then."""
        self.penstock.program.process.send_signal(signal.SIGHUP)
        return self.told(), self.penstock.program.tail()

    def names(self):
        return [source["name"] for source in self.penstock.cli_json("source", "list")["sources"]]

    def test_sources_come_and_go_and_the_others_do_not_notice(self):
        self.penstock.wait_for_fragments("kept", 2)
        began = self.penstock.publication("kept")["since"]
        self.write(("kept", self.camera.url), ("other", self.camera.url), more="retention: 48h\nlog:\n  requests: false\n")
        told, log = self.reload()
        self.assertEqual(told, "STATUS=")
        self.assertRegex(log, r'reloaded +settings="retention log.requests" +sources_added=1 +sources_removed=0 +sources_changed=0')
        self.penstock.wait_for_fragments("other", 2)
        self.assertEqual(self.names(), ["kept", "other"])
        streams = {stream["name"]: stream for stream in self.penstock.get_json("/api/v1/streams")["streams"]}
        self.assertEqual({name: stream["retention_hours"] for name, stream in streams.items()}, {"kept": 24, "other": 48})

        self.write(("kept", self.camera.url))
        told, log = self.reload()
        self.assertIn("sources_removed=1", log)
        self.assertEqual(self.names(), ["kept"])
        self.assertIsNone(self.penstock.publication("other"))
        self.assertTrue(self.penstock.fragments("other"), "what is stored stays")
        self.penstock.wait_for_open_hole("other", "source-removed")
        publication = self.penstock.publication("kept")
        self.assertEqual((publication["state"], publication["since"]), ("recording", began))

    def test_a_faulty_file_is_named_by_its_line_and_changes_nothing(self):
        self.file.write_text("retention: 48h\nlog:\n  lewel: debug\n")
        checked = programs.run(programs.ours("penstock"), "config", "check", self.file, check=False)
        words = f"{self.file}:3: there is no setting 'log.lewel'; did you mean 'log.level'?"
        self.assertEqual(checked.returncode, 1)
        self.assertIn(words, checked.stderr)
        told, log = self.reload()
        self.assertEqual(told, f"STATUS=not reloaded: {words}")
        self.assertIn(words, log)
        self.assertEqual(self.names(), ["kept"])
        self.penstock.cli("source", "add", "mine", self.camera.url)
        self.write(("kept", self.camera.url), ("mine", self.camera.url))
        told, _ = self.reload()
        self.assertIn("source mine is both in the configuration file and added by the command line", told)
        self.penstock.wait_for_fragments("mine", 1)
        self.assertEqual(self.penstock.get_json("/api/v1/streams/mine")["retention_hours"], 24)

    def test_what_needs_a_restart_is_said(self):
        self.write(("kept", self.camera.url), more="threads: 3\nstore:\n  lanes: 2\nfragment:\n  min: 2s\n")
        told, log = self.reload()
        self.assertEqual(told, "STATUS=wait for a restart: threads store.lanes")
        self.assertIn("settings=fragment.min ", log)
        self.assertIn('settings wait for a restart', log)

    def test_a_stop_is_told_and_is_clean(self):
        self.penstock.stop()
        self.assertEqual(self.told(), "STOPPING=1")


if __name__ == "__main__":
    unittest.main()
