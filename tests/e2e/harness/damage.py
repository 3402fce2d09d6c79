"""Bytes that rot on the disk."""

import pathlib


def segment_file(data, piece):
    """Where in a data folder these bytes of a fragment lie: (file, offset)."""
    for path in pathlib.Path(data).rglob("*.segment"):
        at = path.read_bytes().find(piece)
        if at >= 0:
            return path, at
    raise AssertionError("no file holds the fragment")


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x40]))


def middle(segment):
    """Bytes of a media segment that are a picture."""
    return bytes(segment[len(segment) // 2:][:64])
