"""The README's first command, in a terminal: what it starts, what Ctrl-C ends, what it refuses."""

import json
import os
import pathlib
import shutil
import tempfile
import unittest

from harness import cameras, programs, terminal, waiting

START = programs.ROOT / "start"


def processes_of(folder):
    """{process id: command line} of whatever was started with this folder on its command line."""
    found = {}
    for process in pathlib.Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if str(folder) in command:
            found[int(process.name)] = command
    return found


class Start(unittest.TestCase):
    def setUp(self):
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="penstock-e2e-"))
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)

    def start(self, *options):
        program = terminal.Terminal(START, "--bin", programs.BIN, "--data", self.data, "--http", "127.0.0.1:0", "--rtsp", "127.0.0.1:0", *options)
        self.addCleanup(program.close)
        return program

    def cli(self, *arguments, check=True):
        return programs.run(programs.ours("penstock"), *arguments, "--data", self.data, check=check)

    def recorded(self, stream):
        done = self.cli("fragments", stream, "--json", check=False)
        return json.loads(done.stdout)["fragments"] if done.returncode == 0 else []

    def wait_until_recording(self, stream):
        waiting.until(f"{stream} is stored", lambda: len(self.recorded(stream)) >= 2, 40, pause=0.2)

    def check_everything_ended_whole(self):
        waiting.until("all that was started has ended", lambda: not processes_of(self.data), 10)
        # A server that comes to the end of its stop takes its socket away; one that is killed does not.
        self.assertFalse((self.data / "penstock.sock").exists())
        self.assertTrue(json.loads(self.cli("store", "check", "--json"))["sound"])

    def test_it_shows_a_camera_and_ctrl_c_ends_all_of_it_cleanly(self):
        program = self.start()
        program.wait_for_line("Watch:  http://", 60)
        self.wait_until_recording("synthetic")
        self.assertGreaterEqual(len(processes_of(self.data)), 2)
        program.interrupt()
        self.assertEqual(program.wait(30), 0, program.tail())
        self.check_everything_ended_whole()

    def test_it_takes_the_users_own_camera(self):
        camera = cameras.SyntheticCamera("--user", "viewer", "--password", "s3cret", "--width", "640", "--height", "360")
        self.addCleanup(camera.close)
        program = self.start("--camera", camera.url_for("viewer", "s3cret"))
        program.wait_for_line("Watch:  http://", 60)
        self.wait_until_recording("camera")
        self.assertFalse(any("s3cret" in line for line in program.lines), program.lines)
        program.interrupt()
        self.assertEqual(program.wait(30), 0, program.tail())
        self.check_everything_ended_whole()

    def test_a_second_one_on_the_same_folder_is_refused_and_harms_nothing(self):
        first = self.start()
        first.wait_for_line("Watch:  http://", 60)
        before = self.cli("source", "list", "--json")
        second = self.start()
        self.assertEqual(second.wait(30), 1)
        self.assertIn("runs on", second.tail())
        self.assertEqual(self.cli("source", "list", "--json"), before)
        self.wait_until_recording("synthetic")
        self.assertTrue(first.running())

    def test_what_it_does_not_know_is_refused_by_name(self):
        done = programs.run(START, "--kamera", "x", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--kamera", done.stderr)
        self.assertIn("--camera", programs.run(START, "--help"))


if __name__ == "__main__":
    unittest.main()
