"""Films that are made once and sent at once, where a test needs stored media and not a camera's time."""

import os
import subprocess

from harness import programs

SAMPLE = programs.ROOT / "samples/put_media/put_media.py"
KEYS = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
VIDEO = {"h264": ("-c:v", "libx264"), "hevc": ("-c:v", "libx265", "-x265-params", "log-level=error")}


def make(path, seconds=6, video="h264"):
    """320x180, 25 pictures a second, a key frame and so a cluster every second, a tone as AAC."""
    programs.run("ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i",
                 "sine=frequency=440:sample_rate=48000", "-t", seconds, "-pix_fmt", "yuv420p", *VIDEO[video], "-bf", "0", "-g", "25", "-keyint_min",
                 "25", "-sc_threshold", "0", "-c:a", "aac", "-cluster_time_limit", "20000", "-cluster_size_limit", "50000000", path)


def send(endpoint, stream, path, start):
    """With PutMedia; returns when all of it is durable. `start`: seconds since 1970, the producer's time of its begin."""
    done = subprocess.run(["/usr/bin/python3", SAMPLE, "--endpoint", endpoint, "--start", str(start), stream, path],
                          env={**os.environ, **KEYS}, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
