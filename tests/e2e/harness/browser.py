"""A page in the system's Chromium, and what its video shows."""

import json
import pathlib
import shutil
import subprocess
import tempfile

from harness import media, programs, waiting

FOLDER = programs.ROOT / "tests/e2e/browser"

# A line of brightness through the strip of the picture that is shown, by the page itself; and when it looked.
STRIP = """(() => {
  const video = document.getElementById('video');
  const canvas = window.stripCanvas ??= document.createElement('canvas');
  if (!video.videoWidth) return null;
  canvas.width = 1280;
  canvas.height = 720;
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(video, 0, 0, 1280, 720);
  const pixels = context.getImageData(0, 700, 1280, 1).data;
  const line = [];
  for (let i = 0; i < pixels.length; i += 4) line.push(pixels[i + 1]);
  return {line, now: Date.now()};
})()"""

STATE = """(() => {
  const video = document.getElementById('video');
  return {time: video.currentTime, paused: video.paused, ready: video.readyState, width: video.videoWidth, height: video.videoHeight,
          notice: document.getElementById('notice').hidden ? '' : document.getElementById('notice').textContent,
          loaded: performance.timeOrigin, error: video.error ? video.error.message : ''};
})()"""


class Browser:
    def __init__(self):
        if not (FOLDER / "node_modules/playwright-core").exists():
            programs.run(programs.ROOT / "scripts/web_packages", "tests/e2e/browser", seconds=120)
        self.profile = tempfile.mkdtemp(prefix="penstock-chromium-")
        self.process = subprocess.Popen([programs.foreign("node"), "drive.mjs", self.profile, programs.foreign("chromium")], cwd=FOLDER,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def do(self, operation, **arguments):
        self.process.stdin.write(json.dumps({"op": operation, **arguments}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the browser has ended"
        answer = json.loads(line)
        assert answer["ok"], f"{operation}: {answer.get('error')}"
        return answer["value"]

    def open(self, url):
        self.do("goto", url=url)

    def evaluate(self, expression):
        return self.do("evaluate", expression=expression)

    def state(self):
        return self.evaluate(STATE)

    def screenshot(self, name):
        """Kept in the build folder, for people."""
        folder = pathlib.Path(programs.BIN).parent / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        self.do("screenshot", path=str(folder / f"{name}.png"))

    def shown(self):
        """(Unix ms burnt into the picture, how old it is in ms); None if the strip cannot be read just now."""
        strip = self.evaluate(STRIP)
        at = media.read_strip(strip["line"]) if strip else None
        return (at, strip["now"] - at) if at else None

    def wait_until_playing(self, seconds=30):
        """Until the picture's own clock moves on; returns the state."""
        def moving():
            first = self.shown()
            if not first:
                return False
            waiting.until("the picture moves", lambda: (self.shown() or first)[0] > first[0], 5)
            return True
        try:
            waiting.until("the video plays", moving, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.state()}; errors {self.do('errors')}") from None
        return self.state()
