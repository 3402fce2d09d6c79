"""Playback by Amazon's API: the URL that GetHLSStreamingSessionURL gives, and the file of GetClip, in real players."""

import functools
import pathlib
import re
import time
import unittest
import urllib.error
import urllib.request

from harness import browser, cameras, media, playlists, sessions, waiting
from harness.server import ServerTest


class Session(ServerTest):
    def archive(self):
        return sessions.archive(self, "door")

    def url(self, **arguments):
        return sessions.hls_url(self, "door", **arguments)

    def record(self, count=4, stop=False):
        self.camera = self.start(cameras.SyntheticCamera)
        self.penstock.add_source("door", self.camera.url)
        self.penstock.wait_for_fragments("door", count)
        if stop:
            self.penstock.remove_source("door")
        return self.penstock.fragments("door")

    def test_a_range_plays_whole_in_ffmpeg_and_says_when_it_was(self):
        fragments = self.record(stop=True)
        for axis in ("SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP"):
            url = self.url(PlaybackMode="ON_DEMAND", DisplayFragmentTimestamp="ALWAYS",
                           HLSFragmentSelector={"FragmentSelectorType": axis, "TimestampRange": sessions.time_range(fragments)})
            text = sessions.media_playlist(self, url)
            self.assertIn("#EXT-X-ENDLIST", text)
            self.assertEqual(re.findall(r"FragmentNumber=(\d{47})&", text), [fragment["number"] for fragment in fragments])
            dates = [playlists.unix_ms(date) for date in re.findall(r"PROGRAM-DATE-TIME:(\S+)", text)]
            member = "start" if axis == "SERVER_TIMESTAMP" else "producer_start"
            self.assertEqual(dates, [playlists.unix_ms(fragment[member]) for fragment in fragments])
            # Before each entry by server time, which is the API's rule; by producer time only where a run begins.
            every = axis == "SERVER_TIMESTAMP"
            self.assertEqual(text.count("#EXT-X-DISCONTINUITY\n"), len(fragments) if every else 0)
            self.assertEqual(sorted(media.codecs(url)), ["aac", "h264"])
        self.assertEqual(media.decode_errors(url), "")
        own, session = (media.packet_hashes(one) for one in (self.penstock.stored("door"), url))
        self.assertEqual({track: [packet[1:] for packet in packets] for track, packets in session.items()},
                         {track: [packet[1:] for packet in packets] for track, packets in own.items()})

    def test_no_more_entries_than_were_asked_for(self):
        fragments = self.record(count=5, stop=True)
        selector = {"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": sessions.time_range(fragments)}
        text = sessions.media_playlist(self, self.url(PlaybackMode="ON_DEMAND", HLSFragmentSelector=selector, MaxMediaPlaylistFragmentResults=2))
        self.assertEqual(re.findall(r"FragmentNumber=(\d{47})&", text), [fragment["number"] for fragment in fragments[:2]])

    def test_a_live_session_slides_and_plays_in_chromium(self):
        self.record()
        url = self.url()
        page = self.start(browser.Browser)
        page.open(self.penstock.url("/"))
        page.evaluate(sessions.PLAY % url)
        shown = "document.getElementById('session').currentTime"
        first = waiting.until("it plays", lambda: page.evaluate(shown), 30)
        waiting.until("it goes on", lambda: page.evaluate(shown) > first + 5, 30)
        self.assertEqual(page.evaluate("window.sessionErrors"), [])
        page.screenshot("session")
        before, after = sessions.media_playlist(self, url), None
        sequence = re.compile(r"MEDIA-SEQUENCE:(\d+)")

        def moved():
            nonlocal after
            after = sessions.media_playlist(self, url)
            return int(sequence.search(after)[1]) > int(sequence.search(before)[1])
        waiting.until("the list slides", moved, 20)
        for text in before, after:
            self.assertLessEqual(text.count("#EXTINF"), 5)
            self.assertNotIn("ENDLIST", text)

    def test_a_replay_begins_at_its_start_and_grows_as_if_it_were_live(self):
        fragments = self.record(count=8, stop=True)
        numbers = [fragment["number"] for fragment in fragments]
        url = self.url(PlaybackMode="LIVE_REPLAY", MaxMediaPlaylistFragmentResults=100,
                       HLSFragmentSelector={"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": sessions.time_range(fragments)})
        begin = time.monotonic()
        listed = re.findall(r"FragmentNumber=(\d{47})&", sessions.media_playlist(self, url))
        self.assertEqual(listed, numbers[:len(listed)])
        self.assertLess(len(listed), len(numbers))
        text = waiting.until("all of it is listed", lambda: (lambda text: numbers[-1] in text and text)(sessions.media_playlist(self, url)), 30)
        # One second each, and players have three in advance.
        self.assertGreaterEqual(time.monotonic() - begin, len(numbers) - 3 - 1)
        self.assertEqual(re.findall(r"FragmentNumber=(\d{47})&", text), numbers)

    def test_a_clip_is_an_ordinary_mp4_of_the_fragments_that_began_in_the_range(self):
        for name, camera in (("door", cameras.SyntheticCamera), ("pcm", lambda: cameras.SyntheticCamera("--audio", "pcmu", "--bframes", "2"))):
            with self.subTest(name):
                self.penstock.cli("stream", "create", name)
                source = self.start(camera)
                self.penstock.add_source(name, source.url)
                self.penstock.wait_for_fragments(name, 4)
                self.penstock.remove_source(name)
                self.check_clip(name)

    def check_clip(self, name):
        fragments = self.penstock.fragments(name)
        stored = media.packet_hashes(self.penstock.stored(name))
        for axis in ("SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP"):
            answer = self.archive().get_clip(StreamName=name, ClipFragmentSelector={
                "FragmentSelectorType": axis, "TimestampRange": sessions.time_range(fragments)})
            self.assertEqual(answer["ContentType"], "video/mp4")
            file = pathlib.Path(self.penstock.data) / "clip.mp4"
            file.write_bytes(answer["Payload"].read())
            data = file.read_bytes()
            self.assertEqual((data[4:8], data.count(b"moof")), (b"ftyp", 0))
            self.assertLess(data.index(b"moov"), data.index(b"mdat"))
            self.assertEqual(media.decode_errors(file), "")
            self.assertEqual(sorted(media.codecs(file)), ["aac", "h264"])
            packets = media.packet_hashes(file)
            self.assertEqual({track: [packet[1:] for packet in found] for track, found in packets.items()},
                             {track: [packet[1:] for packet in found] for track, found in stored.items()})
            # All of it lies where it does in an export. G.711, which is served as AAC, begins with the run there.
            export = pathlib.Path(self.penstock.data) / "export.mkv"
            export.write_bytes(self.penstock.get(f"/api/v1/streams/{name}/export"))
            same = ["video"] if "pcm_mulaw" in media.codecs(export) else ["audio", "video"]
            clip, whole = (({kind: sorted(at for at, _ in found) for kind, found in media.packet_times(one).items()}) for one in (file, export))
            for kind in same:
                shift = min(whole["video"]) - min(clip["video"])
                for mine, other in zip(clip[kind], whole[kind], strict=True):
                    self.assertAlmostEqual(mine + shift, other, delta=0.002, msg=kind)

    def test_a_token_opens_its_session_and_nothing_else(self):
        fragments = self.record(stop=True)
        url = self.url(PlaybackMode="ON_DEMAND", Expires=300,
                       HLSFragmentSelector={"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": sessions.time_range(fragments)})
        token = url.split("SessionToken=")[1]
        changed = url[:-5] + ("A" if url[-5] != "A" else "B") + url[-4:]
        for bad in changed, url.split("?")[0], url.replace(token, ""):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                sessions.get(bad)
            self.assertEqual(caught.exception.code, 403, bad)
        # From elsewhere nothing but the token is needed, and it is no key.
        elsewhere = {"X-Forwarded-For": "192.0.2.1"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=elsewhere), timeout=20) as answer:
            self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")
        status, _ = self.penstock.call("GET", f"/api/v1/streams?key={token}", headers=elsewhere)
        self.assertEqual(status, 401)
        self.penstock.cli("stream", "delete", "door", "--yes")
        with self.assertRaises(urllib.error.HTTPError) as caught:
            sessions.get(url)
        self.assertEqual(caught.exception.code, 404)

    def test_what_cannot_be_played_is_refused_by_its_name(self):
        refusal = functools.partial(sessions.refusal, self, self.url)
        self.penstock.cli("stream", "create", "door")
        self.assertEqual(refusal(), ("ResourceNotFoundException", 404))
        now = int(time.time())
        by_server = {"FragmentSelectorType": "SERVER_TIMESTAMP"}
        nothing = {**by_server, "TimestampRange": {"StartTimestamp": now - 60, "EndTimestamp": now - 30}}
        self.assertEqual(refusal(PlaybackMode="ON_DEMAND", HLSFragmentSelector=nothing), ("ResourceNotFoundException", 404))
        for selector in (by_server, {**by_server, "TimestampRange": {"StartTimestamp": now - 60}},
                         {**by_server, "TimestampRange": {"StartTimestamp": now - 60, "EndTimestamp": now + 60}},
                         {**by_server, "TimestampRange": {"StartTimestamp": now - 200_000, "EndTimestamp": now - 60}}):
            self.assertEqual(refusal(PlaybackMode="ON_DEMAND", HLSFragmentSelector=selector), ("InvalidArgumentException", 400))
        self.assertEqual(refusal(HLSFragmentSelector=nothing), ("InvalidArgumentException", 400))
        self.penstock.cli("stream", "retention", "door", "0h")
        self.assertEqual(refusal(), ("NoDataRetentionException", 400))


if __name__ == "__main__":
    unittest.main()
