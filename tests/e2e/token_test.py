"""A link to one stream for a while: in a browser that is not trusted, by `penstock token create`, and what it does not open."""

import pathlib
import time
import unittest

from harness import browser, cameras, playlists, waiting
from harness.server import ServerTest

CAMERA = ("--width", "640", "--height", "360", "--kbps", "800")
ELSEWHERE = {"Host": "cameras.example"}
# How often the page asks the server for anything.
COUNT = """(() => {
  window.asked = 0;
  const {fetch, XMLHttpRequest} = window;
  window.fetch = (...all) => { ++window.asked; return fetch(...all); };
  const {send} = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.send = function (...all) { ++window.asked; return send.apply(this, all); };
})()"""


class Link(ServerTest):
    def setUp(self):
        super().setUp()
        camera = self.start(cameras.SyntheticCamera, *CAMERA)
        self.penstock.add_source("door", camera.url)
        self.penstock.add_source("yard", "rtsp://someone:hunter2@127.0.0.1:1/nobody")
        self.penstock.wait_for_fragments("door", 4)
        self.page = browser.Browser()
        self.addCleanup(self.page.close)

    def elsewhere(self, url):
        """Chromium finds every name below localhost here; the server does not take it for its own."""
        self.assertIn("://127.0.0.1:", url)
        return url.replace("127.0.0.1", "cameras.localhost")

    def ask(self, path, token="", method="GET", body=None):
        headers = {**ELSEWHERE, **({"Authorization": f"Bearer {token}"} if token else {})}
        return self.penstock.call(method, path, body, headers=headers)

    def look(self, name):
        self.page.screenshot(f"{name}-light")
        self.page.screenshot(f"{name}-dark", scheme="dark")
        for scheme in ("light", "dark"):
            self.page.screenshot(f"{name}-phone-{scheme}", width=390, height=844, scheme=scheme)
            self.assertLessEqual(self.page.evaluate("document.documentElement.scrollWidth"), 390, name)
        self.page.do("look", width=1280, height=900, scheme="light")

    def names(self):
        return self.page.evaluate("[...document.querySelectorAll('#streams button')].map((button) => button.dataset.stream)")

    def shown(self, selector):
        return self.page.evaluate(f"document.querySelector({selector!r}).checkVisibility()")

    def loaded(self):
        """When; None while the page is on its way."""
        try:
            return self.page.evaluate("performance.timeOrigin")
        except AssertionError:
            return None

    def check_log(self, *tokens):
        log = pathlib.Path(self.penstock.program.log.name).read_text()
        self.assertIn("/hls/t/***/", log)
        texts = {"log": log, "metrics": self.penstock.get("/metrics").decode()}
        for name, text in texts.items():
            for token in tokens:
                self.assertNotIn(token[3:], text, name)

    def test_a_browser_elsewhere_watches_the_shared_stream_and_nothing_else(self):
        self.page.open(self.penstock.url("/#stream=door"))
        self.page.wait_until_playing()
        self.page.click("#share")
        self.page.wait_for_text("#share-words", "can watch door until ")
        self.assertIn("this machine only", self.page.text("#share-hint"))
        self.look("share")
        self.page.click("#share-copy")
        self.page.wait_for_text("#share-copy", "Copied")
        link = self.page.evaluate("document.getElementById('share-link').value")
        token = link.split("#token=")[1].split("&")[0]
        self.assertEqual(link, self.penstock.url(f"/#token={token}&stream=door"))
        self.page.click("#share-close")
        self.assertEqual(self.page.errors(), [])

        self.page.open("about:blank")
        self.page.open(self.elsewhere(link))
        self.page.wait_until_playing()
        waiting.until("it is live", lambda: self.page.state()["badge"] == "LIVE")
        self.page.wait_for_text("#shared", "Shared with you until ")
        self.assertEqual(self.names(), ["door"])
        for selector in ("#share", "#add-camera", "#key-dialog"):
            self.assertFalse(self.shown(selector), selector)
        self.page.wait_for_text("#ranges", "–")
        self.assertNotIn("Save", self.page.text("#ranges"))
        self.assertNotIn(token, self.page.evaluate("location.href + JSON.stringify(localStorage)"))
        self.look("shared")
        self.page.click("#ranges li:last-child button")
        waiting.until("what is stored plays", lambda: self.page.state()["badge"] == "STORED")
        self.page.wait_until_playing()
        # Another name in the address, and a reload.
        self.page.open(self.elsewhere(self.penstock.url("/?again#stream=yard")))
        self.page.wait_until_playing()
        self.assertEqual(self.names(), ["door"])
        self.assertEqual(self.page.errors(), [])

        self.check_that_nothing_else_is_open(token)
        self.check_log(token)

    def check_that_nothing_else_is_open(self, token):
        status, about = self.ask("/api/v1/streams/door", token)
        self.assertEqual((status, about["state"], about["publication"]["from"]), (200, "recording", ""))
        for method, path, body in [
                ("GET", "/api/v1/streams", None), ("GET", "/api/v1/streams/yard", None), ("GET", "/api/v1/streams/yard/ranges", None),
                ("GET", "/api/v1/streams/door/fragments", None), ("GET", "/api/v1/streams/door/export", None),
                ("DELETE", "/api/v1/streams/door", None), ("POST", "/api/v1/streams/door/tokens", {}), ("GET", "/api/v1/sources", None),
                ("GET", "/api/v1/keys", None), ("POST", "/api/v1/keys", {"user": "me", "role": "admin"}), ("GET", "/api/v1/version", None),
                ("GET", "/metrics", None), ("GET", "/hls/yard/index.m3u8", None), ("GET", f"/hls/t/{token}/yard/index.m3u8", None)]:
            with self.subTest(f"{method} {path}"):
                status, answer = self.ask(path, token, method, body)
                self.assertEqual(status, 403, answer)
                self.assertNotIn("yard", str(answer))
        # Amazon's API wants signatures, and there is no key to sign with.
        status, answer = self.ask("/listStreams", token, "POST", {})
        self.assertEqual(status, 400, answer)
        self.assertEqual(self.ask("/hls/door/index.m3u8")[0], 401, "without it there is nothing at all")

    def test_when_it_ends_players_get_403_and_the_page_says_so_and_asks_no_more(self):
        link = self.penstock.cli_json("token", "create", "door", "--for", "1m")
        ends = playlists.unix_ms(link["expires"])
        self.assertEqual(link["playlist"], self.penstock.url(f"/hls/t/{link['token']}/door/index.m3u8").replace("127.0.0.1", "localhost"))
        path = f"/hls/t/{link['token']}/door/"
        status, playlist = self.ask(path + "index.m3u8")
        self.assertEqual(status, 200)
        names = [line for line in playlist.decode().splitlines() if line and not line.startswith("#")]
        self.assertEqual([name for name in names if "/" in name], [], "addresses are relative")
        status, media = self.ask(path + names[-1])
        self.assertEqual((status, media[4:8]), (200, b"moof"))

        self.page.do("before", script=COUNT)
        self.page.open(link["page"].replace("localhost", "cameras.localhost"))
        self.page.wait_until_playing()
        self.page.wait_for_text("#notice", "this link ended at ", 90)
        self.assertGreaterEqual(time.time() * 1000, ends - 1000)
        self.assertLessEqual(time.time() * 1000, ends + 10_000, "the page noticed soon")
        asked = self.page.evaluate("asked")
        self.assertGreater(asked, 20)
        self.look("link-ended")
        noticed = time.monotonic()
        waiting.until("several turns of the page's questions are over", lambda: time.monotonic() - noticed > 8)
        self.assertEqual(self.page.evaluate("asked"), asked)
        self.assertIn("this link ended at ", self.page.text("#notice"))
        for selector in ("#streams", "#ranges", "#title", "#shared"):
            self.assertFalse(self.shown(selector), selector)

        for file in ("index.m3u8", names[-1]):
            status, answer = self.ask(path + file)
            self.assertEqual((status, answer["error"], answer["ended"]), (403, "ExpiredToken", link["expires"]), answer)
        self.assertGreater(self.penstock.metric("penstock_viewer_tokens_refused_total"), 1)
        # Another link in the same tab goes on.
        again = self.penstock.cli_json("token", "create", "door")
        before = self.page.state()["loaded"]
        self.page.open(again["page"].replace("localhost", "cameras.localhost"))
        waiting.until("the page begins anew", lambda: self.loaded() not in (None, before))
        self.page.wait_until_playing()
        self.assertEqual(self.page.errors(), [])
        self.check_log(link["token"], again["token"])

    def test_a_link_that_is_not_whole_says_so_and_a_deleted_streams_link_is_worthless(self):
        link = self.penstock.cli_json("token", "create", "door")
        url = link["page"].replace("localhost", "cameras.localhost")
        for broken in (url[:-12], url.replace("stream=door", "stream=yard"), url.replace("v1.A", "v1.B")):
            with self.subTest(broken):
                self.page.open("about:blank")
                self.page.open(broken)
                self.page.wait_for_text("#notice", "this link opens nothing here")
                self.assertEqual(self.names(), [])
                self.assertFalse(self.shown("#key-dialog"))
        self.page.screenshot("link-broken")
        self.penstock.cli("source", "remove", "door")
        self.penstock.cli("stream", "delete", "door", "--yes")
        self.penstock.cli("stream", "create", "door")
        self.assertEqual(self.ask(f"/hls/t/{link['token']}/door/index.m3u8")[1]["error"], "InvalidToken")
        again = self.penstock.cli_json("token", "create", "door")
        self.assertEqual(self.ask("/api/v1/streams/door", again["token"])[0], 200)
        self.assertEqual(self.page.errors(), [])

    def test_the_command_says_what_it_has_made(self):
        words = self.penstock.cli("token", "create", "door", "--for", "8h")
        for part in ("whoever has this link may watch door until ", "(8h from now)", "cannot be taken back", "/#token=v1.", "/hls/t/v1.",
                     "this machine only"):
            self.assertIn(part, words)
        for arguments, reason in [(("door", "--for", "59s"), "1m to 168h"), (("door", "--for", "8d"), "1m to 168h"), (("door", "--for", "soon"), "--for"),
                                  (("nobody",), "nobody"), ((), "<stream>")]:
            with self.subTest(arguments):
                done = self.penstock.cli("token", "create", *arguments, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(reason, done.stderr)


if __name__ == "__main__":
    unittest.main()
