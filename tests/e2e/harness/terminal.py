"""A program in a terminal of its own: what a person sees of it, and the keys they press."""

import os
import pty
import threading

from harness import programs


class Terminal(programs.Program):
    """Its standard output and error are the terminal; keys go to its foreground process group, as a real Ctrl-C does."""

    def __init__(self, *command, cwd=programs.ROOT, env=None):
        self.keyboard, self._screen = pty.openpty()
        super().__init__("setsid", "--ctty", *command, cwd=cwd, env=env, terminal=self._screen)
        os.close(self._screen)

    def _read(self):
        text = ""
        while True:
            try:
                piece = os.read(self.keyboard, 65536)
            except OSError:  # the last process that had the terminal is gone
                piece = b""
            if not piece:
                break
            text += piece.decode(errors="replace")
            *whole, text = text.replace("\r\n", "\n").split("\n")
            self.lines += whole
        self.lines.append(text)

    def press(self, keys):
        os.write(self.keyboard, keys.encode())

    def interrupt(self):
        self.press("\x03")

    def close(self):
        # A script that is killed cannot end what it started.
        self.stop()
        super().close()
        os.close(self.keyboard)
