#!/usr/bin/python3
"""Pictures of a stream as arrays, for a model: live, resumable, or always the newest.

    /usr/bin/python3 samples/ml_consumer/consumer.py --endpoint http://127.0.0.1:8080 door

Needs Debian's python3-boto3, python3-numpy and ffmpeg. Where it was is kept in --state: after a restart of either side it
goes on with the fragment behind the last one that was finished."""

import argparse
import datetime
import os
import pathlib
import subprocess
import threading
import time

import boto3
import botocore.config
import botocore.exceptions
import numpy
import urllib3.exceptions

import documents

TRY_AGAIN_SECONDS = 0.5
GONE = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, urllib3.exceptions.HTTPError, OSError)


class Reader:
    """Fragments of a stream for ever: connects, reads, and goes on where it was."""

    def __init__(self, endpoint, stream, token=""):
        self.endpoint, self.stream, self.token = endpoint, stream, token
        self.newest_only = False

    def client(self, service, endpoint):
        # Unsigned requests are not made by SDKs; on the server's own machine any key will do (docs/aws-api.md).
        return boto3.client(service, endpoint_url=endpoint, region_name=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
                            aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "local"),
                            aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "local"),
                            config=botocore.config.Config(retries={"max_attempts": 0}, read_timeout=20))

    def open(self):
        where = self.client("kinesisvideo", self.endpoint).get_data_endpoint(StreamName=self.stream, APIName="GET_MEDIA")
        selector = {"StartSelectorType": "NOW"}
        if self.token and not self.newest_only:
            selector = {"StartSelectorType": "CONTINUATION_TOKEN", "ContinuationToken": self.token}
        media = self.client("kinesis-video-media", where["DataEndpoint"])
        return media.get_media(StreamName=self.stream, StartSelector=selector)["Payload"]

    def fragments(self):
        while True:
            try:
                for fragment in documents.fragments(self.open().read):
                    if fragment.number > self.token:  # NOW begins with the newest one, which may have been seen
                        self.token = fragment.token
                        yield fragment
            except GONE as error:
                print(f"# not there: {error}", flush=True)
            time.sleep(TRY_AGAIN_SECONDS)


class Newest:
    """Between a reader and a consumer that is slower: holds one fragment, the newest."""

    def __init__(self, fragments):
        self.changed, self.fragment = threading.Condition(), None
        threading.Thread(target=self.fill, args=(fragments,), daemon=True).start()

    def fill(self, fragments):
        for fragment in fragments:
            with self.changed:
                self.fragment = fragment
                self.changed.notify()

    def __iter__(self):
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.fragment)
                fragment, self.fragment = self.fragment, None
            yield fragment


def pictures(fragment):
    """(time as datetime, array of height x width x 3 bytes) of each picture, in the order in which they are shown."""
    decoded = subprocess.run(["ffmpeg", "-v", "error", "-f", "matroska", "-i", "pipe:0", "-map", "0:v:0", "-fps_mode", "passthrough",
                              "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"], input=fragment.document, capture_output=True, check=True)
    shape = (-1, fragment.height, fragment.width, 3)
    for at, picture in zip(fragment.picture_times, numpy.frombuffer(decoded.stdout, dtype=numpy.uint8).reshape(shape)):
        yield datetime.datetime.fromtimestamp(at, datetime.timezone.utc), picture


def detect(picture):
    """A model's place: here, how bright it is."""
    return float(picture.mean())


def keep(path, token):
    """All or nothing: a crash leaves the old token or the new one."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(token)
    beside.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stream")
    parser.add_argument("--endpoint", default="http://127.0.0.1:8080")
    parser.add_argument("--state", type=pathlib.Path, help="file for the continuation token")
    parser.add_argument("--newest-only", action="store_true", help="leave out what came while the model was busy")
    options = parser.parse_args()
    token = options.state.read_text().strip() if options.state and options.state.exists() else ""
    reader = Reader(options.endpoint, options.stream, token)
    reader.newest_only = options.newest_only
    for fragment in Newest(reader.fragments()) if options.newest_only else reader.fragments():
        count = 0
        for at, picture in pictures(fragment):
            count += 1
            print(f"{fragment.number} {at.isoformat(timespec='milliseconds')} {picture.shape[1]}x{picture.shape[0]} {detect(picture):.1f}")
        print(f"= {fragment.number} {count} pictures", flush=True)
        if options.state:
            keep(options.state, fragment.token)


if __name__ == "__main__":
    main()
