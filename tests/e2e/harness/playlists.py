"""HLS media playlists as far as the tests need them."""

import dataclasses
import datetime


@dataclasses.dataclass(frozen=True)
class Segment:
    sequence: int
    uri: str
    seconds: float
    gap: bool
    discontinuity: bool
    date: str
    init: str  # URI of what the decoder must see first


def parse(text):
    """The segments of a media playlist."""
    sequence, segments, seconds, gap, discontinuity, date, init = 0, [], 0.0, False, False, "", ""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == "#EXT-X-MEDIA-SEQUENCE":
            sequence = int(value)
        elif name == "#EXTINF":
            seconds = float(value.split(",")[0])
        elif name == "#EXT-X-GAP":
            gap = True
        elif name == "#EXT-X-DISCONTINUITY":
            discontinuity = True
        elif name == "#EXT-X-MAP":
            init = value.split('URI="')[1].split('"')[0]
        elif name == "#EXT-X-PROGRAM-DATE-TIME":
            date = value
        elif line and not line.startswith("#"):
            segments.append(Segment(sequence, line, seconds, gap, discontinuity, date, init))
            sequence, gap, discontinuity, date = sequence + 1, False, False, ""
    return segments


def unix_ms(date):
    """RFC 3339 -> milliseconds since 1970."""
    return round(datetime.datetime.fromisoformat(date.replace("Z", "+00:00")).timestamp() * 1000)
