"""What ffmpeg says of media, and the strip of cells in the synthetic camera's picture."""

import json
import pathlib
import subprocess

from harness import programs

STRIP_CELLS = 48
TIME_BITS = 42


def streams(url, *options, seconds=30):
    text = programs.run("ffprobe", "-v", "error", *options, "-show_streams", "-of", "json", url, seconds=seconds)
    return json.loads(text)["streams"]


def codecs(url, *options):
    return [stream["codec_name"] for stream in streams(url, *options)]


def packet_hashes(url, *options, seconds=30):
    """The packets of each stream: {stream index: [(timestamp, size, hash), …]}. Options behind "--" are for the output."""
    text = programs.run("ffmpeg", "-v", "error", "-nostdin", *input_options(options), "-i", url, "-c", "copy",
                        *output_options(options), "-f", "framemd5", "-", seconds=seconds)
    packets = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            stream, _, pts, _, size, digest = [field.strip() for field in line.split(",")][:6]
            packets.setdefault(int(stream), []).append((int(pts), int(size), digest))
    return packets


def packet_times(url, seconds=30):
    """{"video": [(presentation time in s, hash), …], "audio": …} of the packets, as ffprobe reads them."""
    text = programs.run("ffprobe", "-v", "error", "-show_packets", "-show_data_hash", "md5", "-of", "json", url, seconds=seconds)
    packets = {}
    for packet in json.loads(text)["packets"]:
        packets.setdefault(packet["codec_type"], []).append((float(packet["pts_time"]), packet["data_hash"]))
    return packets


def input_options(options):
    return options[:options.index("--")] if "--" in options else options


def output_options(options):
    return options[options.index("--") + 1:] if "--" in options else ()


def decode_errors(url, *options, seconds=60):
    """What ffmpeg has to say while it decodes everything: empty if all is well."""
    done = subprocess.run(["ffmpeg", "-v", "warning", "-nostdin", *options, "-i", url, "-f", "null", "-"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=seconds, check=False)
    return done.stderr + ("" if done.returncode == 0 else f"exit code {done.returncode}")


def burnt_in_times(url, *options, width=1280, height=720, seconds=60):
    """The Unix milliseconds in the pictures; None for a picture whose strip cannot be read."""
    strip = height // 18
    crop = f"scale={width}:{height},crop={width}:1:0:{height - strip // 2},format=gray"
    done = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *options, "-i", url, "-an", "-vf", crop, "-f", "rawvideo", "-"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=True)
    lines = [done.stdout[i:i + width] for i in range(0, len(done.stdout), width)]
    return [read_strip(line) for line in lines if len(line) == width]


def read_strip(line):
    """One line of brightness through the strip (samples/synthetic_camera/README.md) -> Unix milliseconds, or None."""
    cells = [line[(2 * i + 1) * len(line) // (2 * STRIP_CELLS)] > 127 for i in range(STRIP_CELLS)]
    if cells[:2] != [True, False]:
        return None
    value = sum(cell << (TIME_BITS - 1 - i) for i, cell in enumerate(cells[2:2 + TIME_BITS]))
    check = sum(cell << (3 - i) for i, cell in enumerate(cells[2 + TIME_BITS:]))
    nibbles, rest = 0, value
    while rest:
        nibbles ^= rest & 15
        rest >>= 4
    return value if nibbles == check else None


def heavy_clip(folder):
    """So much video that it ages out in seconds: 40 Mbit/s, a key frame a second."""
    path = pathlib.Path(folder, "clip.h264")
    programs.run("ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25,noise=alls=60:allf=t", "-t", "4",
                 "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-b:v", "40000k", "-g", "25", "-pix_fmt", "yuv420p", path,
                 seconds=300)
    return path
