#!/usr/bin/python3
"""Sends a Matroska file, or a live one on standard input, with PutMedia and prints what is acknowledged. Ends with 0 if all of it is durable.

    put_media.py --endpoint http://127.0.0.1:8080 door film.mkv
    ffmpeg … -f matroska - | put_media.py --endpoint http://127.0.0.1:8080 door -

Signs with botocore (Debian: python3-botocore); keys come from the environment, as for every SDK.
"""
import argparse
import http.client
import json
import sys
import threading
import time
import urllib.parse
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.session


def signed(url, headers, body=b""):
    request = botocore.awsrequest.AWSRequest("POST", url, headers, body)
    keys = botocore.session.get_session().get_credentials()
    botocore.auth.SigV4Auth(keys, "kinesisvideo", options.region).add_auth(request)
    return dict(request.headers.items())


def data_endpoint():
    body = json.dumps({"StreamName": options.stream, "APIName": "PUT_MEDIA"}).encode()
    url = options.endpoint + "/getDataEndpoint"
    with urllib.request.urlopen(urllib.request.Request(url, body, signed(url, {"Content-Type": "application/json"}, body))) as answer:
        return json.load(answer)["DataEndpoint"]


def read_acks(connection, missing):
    """While the media is sent: the answer begins before the request has ended."""
    answer = connection.getresponse()
    if answer.status != 200:
        missing.add(f"{answer.status} {answer.getheader('x-amzn-ErrorType')}: {answer.read().decode()}")
    for line in answer:
        print(line.decode().strip(), flush=True)
        ack = json.loads(line)
        if ack["EventType"] == "PERSISTED":
            missing.discard(ack["FragmentTimecode"])
        elif ack["EventType"] in ("BUFFERING", "ERROR"):
            missing.add(ack["FragmentTimecode"])


def send(media):
    where = urllib.parse.urlsplit(data_endpoint())
    headers = signed(where.geturl() + "/putMedia", {
        "x-amzn-stream-name": options.stream, "x-amzn-fragment-timecode-type": options.timecodes,
        "x-amzn-producer-start-timestamp": f"{options.start:.3f}", "X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    connection = (http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection)(where.netloc)
    connection.putrequest("POST", "/putMedia", skip_accept_encoding=True)
    for name, value in {**headers, "Transfer-Encoding": "chunked"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    missing = set()
    reader = threading.Thread(target=read_acks, args=(connection, missing))
    reader.start()
    try:
        while piece := media.read1(65536):
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")
    except OSError:
        pass  # the answer says why the server wants no more
    reader.join()
    return missing


arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("--endpoint", required=True)
arguments.add_argument("--region", default="us-east-1")
arguments.add_argument("--timecodes", choices=("RELATIVE", "ABSOLUTE"), default="RELATIVE", help="what the file's times count from")
arguments.add_argument("--start", type=float, default=time.time(), help="of RELATIVE ones: seconds since 1970")
arguments.add_argument("stream")
arguments.add_argument("file", help="- for standard input")
options = arguments.parse_args()
with sys.stdin.buffer if options.file == "-" else open(options.file, "rb") as source:
    left = send(source)
sys.exit(f"not acknowledged: {sorted(map(str, left))}" if left else 0)
