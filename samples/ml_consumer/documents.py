"""What GetMedia sends, taken apart: one Matroska document per fragment, read as it comes."""

import dataclasses

EBML, SEGMENT, CLUSTER, TRACKS, TAGS = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0x1654AE6B, 0x1254C367
TAG, SIMPLE_TAG, TAG_NAME, TAG_STRING = 0x7373, 0x67C8, 0x45A3, 0x4487
TRACK_ENTRY, TRACK_NUMBER, TRACK_TYPE, VIDEO, WIDTH, HEIGHT = 0xAE, 0xD7, 0x83, 0xE0, 0xB0, 0xBA
TIMESTAMP, SIMPLE_BLOCK = 0xE7, 0xA3


@dataclasses.dataclass
class Fragment:
    number: str           # 47 digits, growing
    server_time: float    # seconds since 1970, when the server had its first byte
    producer_time: float  # the same as the camera tells it
    token: str            # where to go on
    width: int
    height: int
    picture_times: list   # seconds since 1970 by the camera, in the order in which they are shown
    document: bytes       # a whole Matroska file


class Ended(Exception):
    """The payload is over: the stream was quiet for a while, or the connection is gone."""


def fragments(read):
    """Yields Fragments from read(n), which gives at most n bytes and none at the end. An unfinished one is not given."""
    document, tags, tracks, pictures = bytearray(), {}, {}, []
    following = None
    try:
        while True:
            element, head, size = following or read_head(read)
            if element == EBML:
                document, tags, tracks, pictures = bytearray(), {}, {}, []
            document += head
            if element == SEGMENT:
                continue
            body, following = (read_exactly(read, size), None) if size is not None else read_open_cluster(read)
            document += body
            if element == TRACKS:
                tracks = video_tracks(body)
            elif element == CLUSTER:
                pictures = times_of(body, tracks)
            elif element == TAGS:
                tags.update(tags_of(body))
                if "AWS_KINESISVIDEO_ERROR_CODE" in tags:
                    raise RuntimeError(f"the server says {tags['AWS_KINESISVIDEO_ERROR_CODE']}")
                if "AWS_KINESISVIDEO_CONTINUATION_TOKEN" in tags:
                    width, height = next(iter(tracks.values()), (0, 0))
                    yield Fragment(tags["AWS_KINESISVIDEO_FRAGMENT_NUMBER"], float(tags["AWS_KINESISVIDEO_SERVER_TIMESTAMP"]),
                                   float(tags["AWS_KINESISVIDEO_PRODUCER_TIMESTAMP"]), tags["AWS_KINESISVIDEO_CONTINUATION_TOKEN"],
                                   width, height, pictures, bytes(document))
    except Ended:
        return


def read_exactly(read, size):
    out = bytearray()
    while len(out) < size:
        piece = read(size - len(out))
        if not piece:
            raise Ended
        out += piece
    return bytes(out)


def read_head(read):
    """(element id, the bytes of the head, size of the body)"""
    first = read_exactly(read, 1)
    identity = first + read_exactly(read, leading_zeros(first[0]))
    first = read_exactly(read, 1)
    size = first + read_exactly(read, leading_zeros(first[0]))
    return int.from_bytes(identity, "big"), identity + size, number_of(size)


def read_open_cluster(read):
    """Of unknown size, as producers send: (its content, the head of what ends it)."""
    body = bytearray()
    while True:
        head = read_head(read)
        if head[0] in (EBML, SEGMENT, CLUSTER, TAGS):
            return bytes(body), head
        body += head[1] + read_exactly(read, head[2])


def leading_zeros(byte):
    return 8 - byte.bit_length()


def number_of(size):
    """None: not known."""
    mask = (1 << (7 * len(size))) - 1
    number = int.from_bytes(size, "big") & mask
    return None if number == mask else number


def children(body):
    at = 0
    while at < len(body):
        end = at + 1 + leading_zeros(body[at])
        identity = int.from_bytes(body[at:end], "big")
        start = end + 1 + leading_zeros(body[end])
        size = number_of(body[end:start])
        yield identity, body[start:start + size]
        at = start + size


def child(body, wanted):
    return next((content for identity, content in children(body) if identity == wanted), b"")


def video_tracks(tracks):
    """{track number: (width, height)}"""
    found = {}
    for identity, entry in children(tracks):
        if identity == TRACK_ENTRY and int.from_bytes(child(entry, TRACK_TYPE), "big") == 1:
            video = child(entry, VIDEO)
            found[int.from_bytes(child(entry, TRACK_NUMBER), "big")] = tuple(
                int.from_bytes(child(video, side), "big") for side in (WIDTH, HEIGHT))
    return found


def times_of(cluster, tracks):
    base = int.from_bytes(child(cluster, TIMESTAMP), "big")
    return sorted((base + int.from_bytes(block[1:3], "big", signed=True)) / 1000
                  for identity, block in children(cluster) if identity == SIMPLE_BLOCK and (block[0] & 0x7F) in tracks)


def tags_of(tags):
    return {child(simple, TAG_NAME).decode(): child(simple, TAG_STRING).decode()
            for identity, tag in children(tags) if identity == TAG
            for inner, simple in children(tag) if inner == SIMPLE_TAG}
