"""GetDASHStreamingSessionURL by unmodified boto3, and what its URL leads to in dash.js, shaka-player and ffmpeg."""

import functools
import json
import pathlib
import re
import time
import unittest
import urllib.error
import urllib.request
import xml.etree.ElementTree

from harness import cameras, media, players, playlists, sessions, waiting
from harness.server import ServerTest

MPD = "{urn:mpeg:dash:schema:mpd:2011}"
KVS = "{http://kinesisvideo.amazonaws.com/dash}"
CAMERA = ("--width", "640", "--height", "360", "--kbps", "800")


class Manifest:
    """What a manifest says: of each Period its id and start, of each of its tracks the segments."""

    def __init__(self, text):
        self.root = xml.etree.ElementTree.fromstring(text)
        self.periods = [(period.get("id"), period.get("start")) for period in self.root.findall(MPD + "Period")]
        location = self.root.find(MPD + "Location")
        self.location = None if location is None else location.text

    def tracks(self):
        """For each Period {track: [(number in the Period, begin, length in s, attributes), …]}."""
        found = []
        for period in self.root.findall(MPD + "Period"):
            tracks = {}
            for adaptation in period.findall(MPD + "AdaptationSet"):
                template = adaptation.find(MPD + "SegmentTemplate")
                rate, number = int(template.get("timescale")), int(template.get("startNumber"))
                at, segments = None, []
                for entry in template.find(MPD + "SegmentTimeline"):
                    at = int(entry.get("t", at if at is not None else 0))
                    for _ in range(int(entry.get("r", 0)) + 1):
                        segments.append((number, at / rate, int(entry.get("d")) / rate, entry.attrib))
                        at += int(entry.get("d"))
                        number += 1
                tracks[adaptation.get("contentType")] = segments
            found.append(tracks)
        return found

    def inits(self, kind):
        """The URI of the init segment of each Period."""
        return [adaptation.find(MPD + "SegmentTemplate").get("initialization") for adaptation in self.root.iter(MPD + "AdaptationSet")
                if adaptation.get("contentType") == kind]

    def media(self, kind):
        """The URIs of all segments of a kind of track."""
        uris = []
        for period, tracks in zip(self.root.findall(MPD + "Period"), self.tracks()):
            for adaptation in period.findall(MPD + "AdaptationSet"):
                if adaptation.get("contentType") == kind:
                    template = adaptation.find(MPD + "SegmentTemplate").get("media")
                    uris += [template.replace("$Number$", str(number)) for number, *_ in tracks[kind]]
        return uris


class Dash(ServerTest):
    def archive(self):
        return sessions.archive(self, "door", "GET_DASH_STREAMING_SESSION_URL")

    def url(self, **arguments):
        return self.archive().get_dash_streaming_session_url(StreamName="door", **arguments)["DASHStreamingSessionURL"]

    def record(self, *options, count=4, stop=False):
        self.camera = self.start(cameras.SyntheticCamera, *CAMERA, *options)
        self.penstock.add_source("door", self.camera.url)
        self.penstock.wait_for_fragments("door", count)
        if stop:
            self.penstock.remove_source("door")
        return self.penstock.fragments("door")

    def get(self, url):
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.read()

    def manifest(self, url):
        return Manifest(self.get(url))

    def range(self, fragments, axis="SERVER_TIMESTAMP"):
        return {"FragmentSelectorType": axis, "TimestampRange": sessions.time_range(fragments)}

    def players(self):
        if not hasattr(self, "page"):
            self.page = self.start(players.Players)
        return self.page

    def plays(self, name, url, seconds, until_end=False):
        """It plays that long: time and pictures move on, sound is decoded, and nothing complains."""
        page = self.players()
        page.play(name, url)

        def fails(what):
            raise AssertionError(f"{name}: {what}; {json.dumps(page.look())}; {page.errors()}\n{self.get(url).decode()}")

        def clean():
            look = page.look()
            if look["error"] or look["errors"]:
                fails("an error")
            return look
        try:
            first = waiting.until("it plays", lambda: (lambda look: look["time"] > 0 and look["frames"] > 0 and look)(clean()), 40)
            last = waiting.until("it goes on", lambda: (lambda look: (look["time"] > first["time"] + seconds or look["ended"]) and look)(clean()),
                                 seconds + 40)
            if until_end:
                last = waiting.until("it ends", lambda: (lambda look: look["ended"] and look)(clean()), 40)
        except waiting.NotInTime as error:
            fails(error)
        self.assertGreater(last["frames"], first["frames"] + 10 * (last["time"] - first["time"]), f"{name}: {last}")
        self.assertGreater(last["sound"], first["sound"], f"{name}: {last}")
        return first, last

    def test_a_range_plays_whole_in_both_players_and_ffmpeg(self):
        fragments = self.record(count=6, stop=True)
        numbers = [fragment["number"] for fragment in fragments]
        for axis in ("SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP"):
            url = self.url(PlaybackMode="ON_DEMAND", DisplayFragmentTimestamp="ALWAYS", DisplayFragmentNumber="ALWAYS",
                           DASHFragmentSelector=self.range(fragments, axis))
            manifest = self.manifest(url)
            self.assertEqual((manifest.root.get("type"), len(manifest.periods), manifest.location), ("static", 1, None))
            member = "start" if axis == "SERVER_TIMESTAMP" else "producer_start"
            for kind, segments in manifest.tracks()[0].items():
                self.assertEqual([int(attributes[KVS + "ts"]) for *_, attributes in segments],
                                 [playlists.unix_ms(fragment[member]) for fragment in fragments], kind)
                self.assertEqual([attributes[KVS + "fn"] for *_, attributes in segments], numbers, kind)
                self.assertEqual([number for number, *_ in segments], list(range(1, len(numbers) + 1)), kind)
        url = self.url(PlaybackMode="ON_DEMAND", DASHFragmentSelector=self.range(fragments))
        length = sum(segment[2] for segment in self.manifest(url).tracks()[0]["video"])
        for name in players.SCRIPTS:
            with self.subTest(name):
                _, last = self.plays(name, url, 2, until_end=True)
                self.assertAlmostEqual(last["duration"], length, delta=0.2)
                self.assertAlmostEqual(last["time"], length, delta=0.2)
        self.assertEqual(sorted(media.codecs(url)), ["aac", "h264"])
        self.assertEqual(media.decode_errors(url), "")
        stored = media.packet_hashes(self.penstock.stored("door"))
        manifest = self.manifest(url)
        for index, kind in enumerate(("video", "audio")):
            file = pathlib.Path(self.penstock.data) / f"{kind}.mp4"
            file.write_bytes(b"".join(self.get(f"{url.rsplit('/', 1)[0]}/{uri}") for uri in manifest.inits(kind)[:1] + manifest.media(kind)))
            packets = media.packet_hashes(file)
            self.assertEqual(list(packets), [0], kind)
            self.assertEqual([packet[1:] for packet in packets[0]], [packet[1:] for packet in stored[index]], kind)

    def test_a_live_session_slides_and_plays(self):
        self.record()
        url = self.url()
        before = self.manifest(url)
        self.assertEqual((before.root.get("type"), before.root.get("minimumUpdatePeriod")), ("dynamic", "PT1S"))
        for name in players.SCRIPTS:
            with self.subTest(name):
                self.plays(name, url, 8)
                self.page.screenshot(f"dash-live-{name}")
        after = self.manifest(url.rsplit("/", 1)[0] + "/" + before.location)
        self.assertEqual(after.periods, before.periods)
        self.assertGreater(after.tracks()[0]["video"][0][0], before.tracks()[0]["video"][0][0])
        self.assertLessEqual(len(after.media("video")), 5)

    def test_a_live_session_goes_on_when_the_camera_comes_back(self):
        self.record()
        url = self.url(Expires=3600)
        for name in players.SCRIPTS:
            with self.subTest(name):
                self.plays(name, url, 4)
                stored = len(self.penstock.fragments("door"))
                port = self.camera.port
                self.camera.stop()
                self.penstock.wait_for_state("door", "failed")
                self.camera = self.start(cameras.SyntheticCamera, *CAMERA, "--port", port)
                self.penstock.wait_for_fragments("door", stored + 4)
                came_back = self.page.look()
                look = waiting.until("it goes on", lambda: (lambda look: look["time"] > came_back["time"] + 5 and look)(self.page.look()), 60)
                self.assertEqual((look["error"], look["errors"]), ("", []), name)

    def test_a_replay_plays_as_if_it_were_live(self):
        fragments = self.record(count=9, stop=True)
        for name in players.SCRIPTS:
            with self.subTest(name):
                url = self.url(PlaybackMode="LIVE_REPLAY", DASHFragmentSelector=self.range(fragments))
                listed = len(self.manifest(url).media("video"))
                self.assertLess(listed, len(fragments))
                self.plays(name, url, 4)

    def test_a_replay_ends_where_its_range_does_and_nothing_is_left_out(self):
        fragments = self.record(count=14)  # and the camera goes on
        start, end = (playlists.unix_ms(fragments[at]["start"]) // 1000 for at in (0, 11))
        selector = {"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": {"StartTimestamp": start, "EndTimestamp": end}}
        last_ordinal = max(at for at, fragment in enumerate(fragments) if playlists.unix_ms(fragment["start"]) <= end * 1000)
        for name in players.SCRIPTS:
            with self.subTest(name):
                url = self.url(PlaybackMode="LIVE_REPLAY", DASHFragmentSelector=selector)
                first, last = self.plays(name, url, 4, until_end=True)
                self.assertAlmostEqual(last["time"], last["duration"], delta=0.1, msg=last)
                self.assertAlmostEqual(last["time"], last["buffered"][-1][1], delta=0.1, msg=last)
                self.assertEqual(len(last["buffered"]), 1, last)
                self.assertGreater(last["duration"] - first["time"], last_ordinal - 4)
                for track in (1, 2):
                    played = self.page.segments(track)
                    self.assertEqual(played, list(range(played[0], last_ordinal + 1)), f"{name}, track {track}")
                    self.assertLess(played[0], 3)
        # For who comes when it is over it is a file.
        manifest = self.manifest(url)
        self.assertEqual((manifest.root.get("type"), manifest.location, len(manifest.media("video"))), ("static", None, 5))
        self.assertEqual(media.decode_errors(url), "")
        self.assertEqual(sorted(media.codecs(url)), ["aac", "h264"])

    def test_telephone_sound_comes_as_aac(self):
        fragments = self.record("--audio", "pcmu", "--bframes", "2", count=5, stop=True)
        url = self.url(PlaybackMode="ON_DEMAND", DASHFragmentSelector=self.range(fragments))
        for name in players.SCRIPTS:
            with self.subTest(name):
                self.plays(name, url, 2, until_end=True)
        self.assertEqual(sorted(media.codecs(url)), ["aac", "h264"])
        self.assertEqual(media.decode_errors(url), "")

    def test_a_token_opens_its_session_and_nothing_else(self):
        fragments = self.record(stop=True)
        url = self.url(PlaybackMode="ON_DEMAND", DASHFragmentSelector=self.range(fragments))
        token = url.split("SessionToken=")[1]
        folder = url.rsplit("/", 1)[0]
        for bad in (url.replace(token, ""), url.split("?")[0], url.replace("/dash/v1/getDASHManifest.mpd", "/hls/v1/getHLSMasterPlaylist.m3u8")):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                self.get(bad)
            self.assertEqual(caught.exception.code, 403, bad)
        for wrong, code in (("getMP4MediaFragment.mp4", 400), (f"getMP4MediaFragment.mp4?SessionToken={token}&TrackNumber=7&Period=0&SequenceNumber=1", 404)):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                self.get(f"{folder}/{wrong}" if "?" in wrong else f"{folder}/{wrong}?SessionToken={token}")
            self.assertEqual(caught.exception.code, code, wrong)
        elsewhere = {"X-Forwarded-For": "192.0.2.1"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=elsewhere), timeout=20) as answer:
            self.assertEqual((answer.headers["Access-Control-Allow-Origin"], answer.headers["Content-Type"]), ("*", "application/dash+xml"))
        self.assertTrue(re.search(r"<S t=\"\d+\" d=\"\d+\"", self.get(url).decode()))

    def test_what_cannot_be_played_is_refused_by_its_name(self):
        refusal = functools.partial(sessions.refusal, self, self.url)
        self.penstock.cli("stream", "create", "door")
        self.assertEqual(refusal(), ("ResourceNotFoundException", 404))
        now = int(time.time())
        by_server = {"FragmentSelectorType": "SERVER_TIMESTAMP"}
        nothing = {**by_server, "TimestampRange": {"StartTimestamp": now - 60, "EndTimestamp": now - 30}}
        self.assertEqual(refusal(PlaybackMode="ON_DEMAND", DASHFragmentSelector=nothing), ("ResourceNotFoundException", 404))
        self.assertEqual(refusal(PlaybackMode="ON_DEMAND", DASHFragmentSelector=by_server), ("InvalidArgumentException", 400))
        self.assertEqual(refusal(DASHFragmentSelector=nothing), ("InvalidArgumentException", 400))
        self.penstock.cli("stream", "retention", "door", "0h")
        self.assertEqual(refusal(), ("NoDataRetentionException", 400))


if __name__ == "__main__":
    unittest.main()
