"""Programs that a test starts: found, logged, ended by their own process id."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading

from harness import waiting

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("PENSTOCK_BIN", ROOT / "build/dev/bin")).resolve()


def ours(name):
    return str(BIN / name)


def foreign(name):
    """A program from a package; the test set of packages/debian-12 has them all, so that missing is an error and no reason to skip."""
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not installed: scripts/install_packages check")
    return path


class Program:
    """A running program. Its lines of standard output are kept, its standard error goes to a file that is shown when something fails."""

    def __init__(self, *command, cwd=ROOT, env=None, terminal=None):
        self.command = [str(part) for part in command]
        self.log = tempfile.NamedTemporaryFile("w+", prefix="penstock-e2e-", suffix=".log", errors="replace")
        self.lines = []
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": self.log}
        if terminal is not None:
            streams = dict.fromkeys(streams, terminal)
        self.process = subprocess.Popen(self.command, **streams, cwd=cwd, env={**os.environ, **(env or {})}, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def wait_for_line(self, contains, seconds=30):
        """The first line of standard output with this text."""
        def found():
            if not self.running() and not any(contains in line for line in self.lines):
                raise AssertionError(f"{self.command[0]} ended with {self.process.returncode}:\n{self.tail()}")
            return next((line for line in list(self.lines) if contains in line), None)
        return waiting.until(f"'{contains}' from {self.command[0]}", found, seconds)

    def wait(self, seconds=60):
        """Its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{' '.join(self.command)} does not end:\n{self.tail()}") from None
        self._reader.join(5)
        return code

    def tail(self, lines=40):
        self.log.flush()
        with open(self.log.name, errors="replace") as log:
            return "\n".join((self.lines[-lines:] + log.read().splitlines())[-lines:])

    def stop(self, seconds=30):
        """Asks it to end; returns the exit code."""
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self):
        if self.running():
            self.process.kill()
        self.process.wait(30)

    def close(self):
        """For clean-up: whatever state it is in."""
        self.kill()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.log.close()


def run(*command, seconds=60, check=True, cwd=ROOT):
    """Standard output of a program that ends by itself."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          timeout=seconds, check=False, cwd=cwd)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout if check else done
