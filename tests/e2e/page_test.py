"""The page at / in real Chromium: how soon it shows a picture, how calm it is without one, its forms, its fall-back, its look."""

import time
import unittest

from harness import browser, cameras, playlists, waiting
from harness.server import ServerTest

# A promise to newcomers: measured, 3.3 to 7.5 s (docs/playback.md).
FIRST_PICTURE_SECONDS_MAX = 10
CAMERA = ("--width", "640", "--height", "360", "--kbps", "800")

# Counts how often the page asks whether the browser plays HLS by itself.
SPY = """(() => {
  const ask = HTMLMediaElement.prototype.canPlayType;
  window.askedForHls = 0;
  HTMLMediaElement.prototype.canPlayType = function (type) {
    if (/mpegurl/i.test(type)) ++window.askedForHls;
    return ask.call(this, type);
  };
})()"""
NO_MEDIA_SOURCE = "for (const name of ['MediaSource', 'ManagedMediaSource', 'WebKitMediaSource']) delete window[name];"


class Page(ServerTest):
    def setUp(self):
        super().setUp()
        self.page = browser.Browser()
        self.addCleanup(self.page.close)

    def tearDown(self):
        # Among them each breach of the content policy.
        self.assertEqual(self.page.errors(), [])

    def wait_for_badge(self, badge, seconds=30):
        waiting.until(f"the badge says '{badge}'", lambda: self.page.state()["badge"] == badge, seconds)

    def test_a_picture_is_there_soon_after_the_servers_start(self):
        camera = self.start(cameras.SyntheticCamera)
        self.penstock.stop()
        began = time.monotonic()
        self.penstock.start()
        ready = time.monotonic()
        self.penstock.add_source("camera", camera.url)
        self.page.open(self.penstock.url("/"))
        self.page.wait_until_playing(60)
        seconds = time.monotonic() - began
        print(f"picture {seconds:.1f} s after the server's start (ready after {ready - began:.1f} s)", flush=True)
        self.assertLessEqual(seconds, FIRST_PICTURE_SECONDS_MAX)
        self.wait_for_badge("LIVE")

    def test_what_nobody_publishes_is_calm_until_somebody_does(self):
        camera = self.start(cameras.SyntheticCamera, *CAMERA)
        self.penstock.add_source("yard", camera.url)
        self.penstock.wait_for_fragments("yard", 2)
        self.penstock.cli("source", "remove", "yard")
        self.page.open(self.penstock.url("/#stream=yard"))
        self.page.wait_for_text("#notice", "not live just now")
        state = self.page.state()
        self.assertEqual((state["badge"], state["latency"], state["ready"]), ("", "–", 0))
        self.page.screenshot("resting")
        # By the hour and by the day.
        if self.page.text("#scale") == "Show the day":
            self.page.click("#scale")
        self.assertEqual(self.page.text("#scale"), "Show the hour")
        self.page.click("#earlier")
        self.page.wait_for_text("#ranges", "Nothing is stored of this day.")
        self.page.click("#later")
        # What is stored plays, and stays at its end.
        self.page.wait_for_text("#ranges", "Save as .mp4")
        self.page.click("#ranges li:last-child button")
        self.page.wait_until_playing()
        waiting.until("the end", lambda: self.page.evaluate("document.getElementById('video').ended"), 30)
        self.assertEqual(self.page.state()["badge"], "STORED")
        self.page.click("#live")
        self.page.wait_for_text("#notice", "not live just now")
        # Live comes by itself.
        self.penstock.add_source("yard", camera.url)
        self.page.wait_until_playing()
        self.wait_for_badge("LIVE")

    def record_two_spans(self, piece_ms):
        """A finished recording with a hole that is longer than two pieces: [(start, end), ...] in Unix ms."""
        camera = self.start(cameras.SyntheticCamera, *CAMERA)
        self.penstock.add_source("yard", camera.url)
        self.penstock.wait_for_fragments("yard", 6)
        camera.stop()
        self.penstock.wait_for_state("yard", "failed")
        end = self.spans()[0][1]
        waiting.until("the hole is long enough", lambda: time.time() * 1000 - end > 3 * piece_ms)
        self.start(cameras.SyntheticCamera, *CAMERA, "--port", camera.port)
        self.penstock.wait_for_fragments("yard", 10)
        self.penstock.remove_source("yard")
        return self.spans()

    def spans(self):
        ranges = self.penstock.get_json("/api/v1/streams/yard/ranges")["ranges"]
        return [(playlists.unix_ms(span["start"]), playlists.unix_ms(span["end"])) for span in ranges]

    def wait_for_picture_of(self, start, end, seconds=30):
        waiting.until(f"a picture between {start} and {end}", lambda: start < (self.page.shown() or (0,))[0] < end, seconds)

    def test_stored_pieces_go_on_behind_a_hole_that_covers_the_next_one(self):
        piece_ms = 3000
        before, after = self.record_two_spans(piece_ms)
        self.page.open(self.penstock.url("/#stream=yard"))
        self.page.wait_for_text("#notice", "not live just now")
        self.page.evaluate(f"penstock.player.pieceMs = {piece_ms}; penstock.player.playFrom('yard', {before[0]})")
        self.wait_for_picture_of(before[0] - 2000, before[1])
        self.page.wait_for_text("#notice", "going on there", 40)
        self.wait_for_picture_of(after[0] - 2000, after[1])
        # And stays at the end of what there is, without asking for more.
        ended = "document.getElementById('video').ended && penstock.player.pieceEnd >= %d" % after[1]
        waiting.until("the end", lambda: self.page.evaluate(ended), 40)
        state = self.page.state()
        self.assertEqual((state["badge"], state["restarts"]), ("STORED", 0), state)

    def test_stored_playback_that_has_to_start_again_does_not_ask_by_the_cameras_clock(self):
        before, _ = self.record_two_spans(1000)
        self.page.open(self.penstock.url("/#stream=yard"))
        self.page.wait_for_text("#notice", "not live just now")
        self.page.evaluate(f"penstock.player.playFrom('yard', {before[0]})")
        waiting.until("two seconds are played", lambda: self.page.state()["time"] > 2, 30)
        # As with a camera that is five minutes fast, when the server fails once.
        self.page.evaluate("""(() => {
          const {player} = window.penstock;
          Object.defineProperty(player.hls, 'playingDate', {get: () => new Date(Date.now() + 300_000)});
          player.hls.trigger(Hls.Events.ERROR, {type: Hls.ErrorTypes.NETWORK_ERROR, details: 'test', fatal: true, response: {code: 500}});
        })()""")
        state = self.page.wait_until_playing(20)
        self.assertEqual(state["restarts"], 1)
        self.assertGreaterEqual(state["time"], 2, "it went on where it was")
        self.assertEqual(self.page.evaluate("penstock.player.start"), before[0])

    def test_a_camera_is_added_by_the_form(self):
        camera = self.start(cameras.SyntheticCamera, *CAMERA)
        self.page.open(self.penstock.url("/"))
        self.page.wait_for_text("#no-streams", "No streams yet")
        self.page.screenshot("empty")
        self.page.click("#add-camera")
        for name, url in (("front door", camera.url), ("front-door", "http://127.0.0.1/")):
            self.fill(name, url)
            self.page.click("#camera-add")
            self.assertTrue(self.page.evaluate("document.getElementById('camera-dialog').open"), (name, url))
        self.assertEqual(self.penstock.cli_json("source", "list")["sources"], [])

        self.fill("front-door", camera.url)
        self.page.click("#camera-add")
        self.page.wait_until_playing()
        self.assertEqual(self.page.text("#title"), "front-door")

        self.page.click("#add-camera")
        self.fill("front-door", camera.url)
        self.page.click("#camera-add")
        self.page.wait_for_text("#camera-refusal", "front-door")
        self.page.screenshot("refused")
        self.page.click("#camera-cancel")
        self.page.wait_until_playing()

    def test_the_form_asks_for_a_certificates_fingerprint_only_where_there_is_one(self):
        self.page.open(self.penstock.url("/"))
        self.page.wait_for_text("#no-streams", "No streams yet")
        self.page.click("#add-camera")
        hidden = "document.getElementById('camera-fingerprint').checkVisibility() === false"
        for url, is_hidden in (("rtsp://127.0.0.1:1/", True), ("rtsps://127.0.0.1:1/", False)):
            self.fill("yard", url)
            self.assertEqual(self.page.evaluate(hidden), is_hidden, url)
        self.page.do("fill", selector="#camera-fingerprint", text="12:34")
        self.page.click("#camera-add")
        self.page.wait_for_text("#camera-refusal", "64 hexadecimal digits")
        self.page.screenshot("fingerprint")
        self.page.do("fill", selector="#camera-fingerprint", text=":".join(["AB"] * 32))
        self.page.click("#camera-add")
        self.page.wait_for_text("#title", "yard")
        source, = self.penstock.cli_json("source", "list")["sources"]
        self.assertEqual((source["url"], source["tls_fingerprint"]), ("rtsps://127.0.0.1:1/", "ab" * 32))

        # What is typed and then hidden again is not sent.
        self.page.click("#add-camera")
        self.fill("door", "rtsps://127.0.0.1:1/")
        self.page.do("fill", selector="#camera-fingerprint", text="12:34")
        self.fill("door", "rtsp://127.0.0.1:1/")
        self.page.click("#camera-add")
        self.page.wait_for_text("#title", "door")
        door = next(source for source in self.penstock.cli_json("source", "list")["sources"] if source["name"] == "door")
        self.assertNotIn("tls_fingerprint", door)

    def fill(self, name, url):
        self.page.do("fill", selector="#camera-name", text=name)
        self.page.do("fill", selector="#camera-url", text=url)

    def test_the_browsers_own_hls_is_asked_for_only_without_media_source_extensions(self):
        camera = self.start(cameras.SyntheticCamera, *CAMERA)
        self.penstock.add_source("camera", camera.url)
        self.penstock.wait_for_fragments("camera", 4)
        self.page.do("before", script=SPY)
        self.page.open(self.penstock.url("/"))
        self.page.wait_until_playing()
        self.assertEqual(self.page.evaluate("[askedForHls, penstock.player.native]"), [0, False])

        self.page.do("before", script=NO_MEDIA_SOURCE)
        self.page.open(self.penstock.url("/?again"))
        self.page.wait_until_playing()
        self.assertEqual(self.page.evaluate("[askedForHls > 0, penstock.player.native]"), [True, True])

    def test_from_elsewhere_it_asks_for_a_key_and_plays_with_it(self):
        camera = self.start(cameras.SyntheticCamera, *CAMERA)
        self.penstock.add_source("camera", camera.url)
        self.penstock.wait_for_fragments("camera", 2)
        key = self.penstock.cli_json("key", "create", "visitor")["secret"]
        # Chromium finds every name below localhost here; the server does not take it for its own.
        self.page.open(self.penstock.url("/").replace("127.0.0.1", "camera.localhost"))
        self.page.wait_for_text("#key-dialog[open]", "A key, please")
        self.page.screenshot("key")
        self.page.do("fill", selector="#key-input", text="wrong")
        self.page.click("#key-form button")
        self.page.wait_for_text("#key-dialog[open]", "does not know this key")
        self.page.do("fill", selector="#key-input", text=key)
        self.page.click("#key-form button")
        self.page.wait_until_playing()
        self.wait_for_badge("LIVE")

    def test_it_fits_a_phone_and_the_dark(self):
        camera = self.start(cameras.SyntheticCamera)
        self.penstock.add_source("front-door", camera.url)
        self.penstock.add_source("garage", "rtsp://127.0.0.1:1/nobody")
        self.page.open(self.penstock.url("/#stream=front-door"))
        self.page.wait_until_playing()
        self.wait_for_badge("LIVE")
        self.page.screenshot("wide-light")
        self.page.screenshot("wide-dark", scheme="dark")
        for scheme in ("light", "dark"):
            self.page.screenshot(f"phone-{scheme}", width=390, height=844, scheme=scheme)
            self.assertLessEqual(self.page.evaluate("document.documentElement.scrollWidth"), 390)
        top = self.page.evaluate("document.getElementById('video').getBoundingClientRect().top")
        self.assertLess(top, 200, "the picture is on the first screen")


if __name__ == "__main__":
    unittest.main()
