"""DASH players from npm in a page of another origin than the server's, as anybody would use them: no settings but that none asks the internet."""

import functools
import http.server
import json
import threading
import urllib.parse

from harness import browser

SCRIPTS = {"dash.js": "dashjs/dist/modern/umd/dash.all.min.js", "shaka": "shaka-player/dist/shaka-player.compiled.js"}

PAGE = """<!doctype html><title>%(name)s</title><link rel=icon href=data:,><video id=video muted autoplay width=640></video>
<script src=/%(script)s></script>"""

START = {
    "dash.js": """(() => {
  window.errors = [];
  const player = window.player = dashjs.MediaPlayer().create();
  player.on('error', (event) => errors.push(JSON.stringify([event.error?.code, event.error?.message])));
  player.initialize(document.getElementById('video'), %s, true);
})()""",
    "shaka": """(async () => {
  window.errors = [];
  shaka.polyfill.installAll();
  const player = window.player = new shaka.Player();
  const tell = (error) => errors.push(JSON.stringify([error.code, error.severity, error.data]));
  player.addEventListener('error', (event) => tell(event.detail));
  await player.attach(document.getElementById('video'));
  player.load(%s).catch(tell);
})()""",
}

LOOK = """(() => {
  const video = document.getElementById('video');
  const ranges = [];
  for (let i = 0; i < video.buffered.length; i++) ranges.push([video.buffered.start(i), video.buffered.end(i)]);
  return {time: video.currentTime, duration: video.duration, ended: video.ended, ready: video.readyState, width: video.videoWidth,
          frames: video.getVideoPlaybackQuality().totalVideoFrames, sound: video.webkitAudioDecodedByteCount, buffered: ranges,
          error: video.error ? video.error.message : '', errors: window.errors};
})()"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        name = self.path.strip("/")
        if name not in SCRIPTS:
            super().do_GET()
            return
        body = (PAGE % {"name": name, "script": SCRIPTS[name]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Players(browser.Browser):
    """A browser whose pages come from a server of their own."""

    def __init__(self):
        super().__init__()
        handler = functools.partial(_Quiet, directory=str(browser.FOLDER / "node_modules"))
        self.pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.pages.serve_forever, daemon=True).start()

    def close(self):
        self.pages.shutdown()
        self.pages.server_close()
        super().close()

    def play(self, player, url):
        self.open(f"http://127.0.0.1:{self.pages.server_port}/{player}")
        self.evaluate(START[player] % json.dumps(url))

    def look(self):
        return self.evaluate(LOOK)

    def segments(self, track):
        """The ordinals of the fragments whose segments of a track of a DASH session the page has asked for."""
        found = set()
        for url in self.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)"):
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
            if "Period" in query and int(query["TrackNumber"][0]) == track:
                found.add(int(query["Period"][0]) + int(query["SequenceNumber"][0]) - 1)
        return sorted(found)
