"""A PutMedia producer on a bare socket: what it sends and when is the test's business, what comes back is taken apart to the chunk."""

import json
import socket
import struct
import threading
import time

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from harness import waiting


def element(identity, content):
    size = struct.pack(">Q", len(content) | 1 << 56)
    return identity.to_bytes((identity.bit_length() + 7) // 8, "big") + size + content


def uint(identity, value):
    return element(identity, struct.pack(">Q", value))


def open_ended(identity):
    return identity.to_bytes(4, "big") + b"\xff"


AVCC = bytes.fromhex("0142c00dffe100096742c00dda05067e5c01000468ce3c80")
PICTURE = bytes.fromhex("0000000565888400100000000001")


def header(codec=b"V_MPEG4/ISO/AVC", private=AVCC, tracks=1):
    """EBML header, Segment, Info and Tracks as the C producer writes them; without private data if it is None."""
    said = b"" if private is None else element(0x63A2, private)
    entries = b"".join(element(0xAE, uint(0xD7, number) + uint(0x83, 1) + element(0x86, codec) + said) for number in range(1, tracks + 1))
    return (element(0x1A45DFA3, element(0x4282, b"matroska")) + open_ended(0x18538067) +
            element(0x1549A966, uint(0x2AD7B1, 1000000)) + element(0x1654AE6B, entries))


def block(time, frame=PICTURE, track=1, key=True, flags=0):
    return element(0xA3, struct.pack(">BhB", 0x80 | track, time, flags | (0x80 if key else 0)) + frame)


def cluster(timecode, pictures=5, filler=b""):
    """Of unknown size, 40 ms a picture."""
    return open_ended(0x1F43B675) + uint(0xE7, timecode) + uint(0xA7, 0) + b"".join(
        block(40 * i, PICTURE + filler, key=i == 0) for i in range(pictures))


def tag(name, value=b""):
    return element(0x1254C367, element(0x7373, element(0x67C8, element(0x45A3, name) + element(0x4487, value))))


END_OF_FRAGMENT = tag(b"AWS_KINESISVIDEO_END_OF_FRAGMENT")


class Producer:
    """One connection. Its head is sent at once; the answer is read beside it."""

    def __init__(self, address, stream, keys=("any", "any"), timecodes="ABSOLUTE", signed=True, sha=None, host=None, **headers):
        place, port = address.split(":")
        self.socket = socket.create_connection((place, int(port)), timeout=30)
        fields = {"Host": host or address, "connection": "keep-alive", "transfer-encoding": "chunked", "user-agent": "AWS-SDK-KVS/3.4.1 test",
                  "x-amzn-fragment-timecode-type": timecodes, "x-amzn-stream-name": stream}
        fields.update({name.replace("_", "-"): value for name, value in headers.items() if name != "expect"})
        if signed:
            fields = self._sign(fields, address, keys, sha)
        if "expect" in headers:
            fields["Expect"] = headers["expect"]
        self.socket.sendall(("POST /putMedia HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items()) + "\r\n").encode())
        self.received = b""
        self.chunks, self.ended, self.head, self.interim = [], False, None, None
        self.times = []  # when each chunk was there
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @staticmethod
    def _sign(fields, address, keys, sha):
        if sha is not None:
            fields["X-Amz-Content-SHA256"] = sha
        request = botocore.awsrequest.AWSRequest("POST", f"http://{address}/putMedia", dict(fields), b"")
        signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(*keys), "kinesisvideo", "us-west-2")
        # As the C producers do: everything is signed, hop-by-hop fields and all.
        signer.headers_to_sign = lambda request: Lowered(request.headers)
        signer.add_auth(request)
        return dict(request.headers.items())

    def _line(self, end=b"\r\n"):
        while end not in self.received:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self.received += more
        line, self.received = self.received.split(end, 1)
        return line

    def _bytes(self, count):
        while len(self.received) < count:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError
            self.received += more
        out, self.received = self.received[:count], self.received[count:]
        return out

    def _read(self):
        try:
            head = self._line(b"\r\n\r\n").decode()
            if head.startswith("HTTP/1.1 100"):
                self.interim, head = head, self._line(b"\r\n\r\n").decode()
            self.head = head
            if "chunked" not in head:
                length = next(int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length"))
                self.chunks.append(self._bytes(length))
            while "chunked" in head:
                size = int(self._line(), 16)
                if size == 0:
                    self._line()
                    self.ended = True
                    return
                piece = self._bytes(size)
                self.times.append(time.monotonic())
                self.chunks.append(piece)
                self._bytes(2)
        except (EOFError, OSError):
            pass

    @property
    def status(self):
        waiting.until("the answer", lambda: self.head)
        return int(self.head.split()[1])

    def send(self, data, piece=1 << 30):
        for at in range(0, len(data), piece):
            part = data[at:at + piece]
            self.socket.sendall(b"%x\r\n%s\r\n" % (len(part), part))

    def finish(self):
        self.socket.sendall(b"0\r\n\r\n")

    def acks(self, kind=None):
        found = [json.loads(chunk) for chunk in list(self.chunks)]
        return found if kind is None else [ack for ack in found if ack["EventType"] == kind]

    def wait_for(self, kind, count=1, seconds=20):
        waiting.until(f"{count} {kind} acks", lambda: len(self.acks(kind)) >= count, seconds)
        return self.acks(kind)[:count]

    def wait_for_end(self, seconds=20):
        self._reader.join(seconds)
        assert not self._reader.is_alive(), "the answer does not end"
        return self.acks()

    def cut(self):
        """In the middle of the body."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(5)
        self.socket.close()

    def close(self):
        self.socket.close()
        self._reader.join(5)


class Lowered(dict):
    """What botocore's signer wants of the headers to sign."""

    def __init__(self, headers):
        super().__init__({name.lower(): value for name, value in headers.items() if name.lower() != "authorization"})

    def get_all(self, name):
        return [self[name]]
