"""A page in the system's Chromium, and what its video shows."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import time

from harness import media, programs, waiting

FOLDER = programs.ROOT / "tests/e2e/browser"
SCREENSHOTS = programs.BIN.parent / "screenshots"  # kept, for people

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

# restarts: how often the player had to begin anew. segments: the numbers and names of the playlist as the player knows it.
STATE = """(() => {
  const video = document.getElementById('video');
  const shown = (id) => document.getElementById(id).hidden ? '' : document.getElementById(id).textContent;
  const {player} = window.penstock;
  return {time: video.currentTime, paused: video.paused, ready: video.readyState, width: video.videoWidth, height: video.videoHeight,
          notice: shown('notice'), badge: shown('badge'), latency: shown('latency'), health: shown('health'),
          restarts: player.restarts, loaded: performance.timeOrigin, error: video.error ? video.error.message : '',
          segments: (player.hls?.latestLevelDetails?.fragments ?? []).map((fragment) => [fragment.sn, fragment.relurl])};
})()"""


class Browser:
    def __init__(self):
        wanted = json.loads((FOLDER / "package.json").read_text())["dependencies"]
        if not all((FOLDER / "node_modules" / name).exists() for name in wanted):
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

    def click(self, selector, **arguments):
        self.do("click", selector=selector, **arguments)

    def text(self, selector):
        return self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def wait_for_text(self, selector, contains, seconds=20):
        try:
            waiting.until(f"'{contains}' in {selector}", lambda: contains in self.text(selector), seconds)
        except waiting.NotInTime as error:
            raise AssertionError(f"{error}; it says '{self.text(selector)}'") from None

    def errors(self):
        """What nobody caught and what the browser complained of."""
        return self.do("errors")

    def state(self):
        return self.evaluate(STATE)

    def screenshot(self, name, width=1280, height=900, scheme="light"):
        """Kept in the build folder, for people."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.do("look", width=width, height=height, scheme=scheme)
        self.do("screenshot", path=str(SCREENSHOTS / f"{name}.png"))

    def photograph(self, name):
        """A screenshot of the player alone; (Unix ms that can be read in it, how old that was), or None."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        taken = time.time() * 1000
        self.do("screenshot", path=str(path), selector="#video")
        at = media.burnt_in_times(pathlib.Path(path))[0]
        return (at, taken - at) if at else None

    def shown(self):
        """(Unix ms burnt into the picture, how old it is in ms); None if the strip cannot be read just now."""
        strip = self.evaluate(STRIP)
        at = media.read_strip(strip["line"]) if strip else None
        return (at, strip["now"] - at) if at else None

    def wait_until_playing(self, seconds=30):
        """Until the picture's own clock moves on; returns the state."""
        first = None

        def moving():
            nonlocal first
            shown = self.shown()
            first = first or shown
            return shown and shown[0] > first[0]
        try:
            waiting.until("the video plays", moving, seconds)
        except waiting.NotInTime as error:
            raise AssertionError(f"{error}; {self.state()}; errors {self.errors()}") from None
        return self.state()
