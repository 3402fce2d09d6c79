"""Who needs a key, and what wrong input gets: a clear error, and nothing stored is harmed."""

import errno
import json
import socket
import unittest

from harness import cameras
from harness.server import ServerTest


class Trust(ServerTest):
    def test_loopback_works_at_once_and_a_forwarded_or_foreign_request_needs_a_key(self):
        self.assertEqual(self.penstock.call("GET", "/api/v1/streams")[0], 200)
        for headers in ({"X-Forwarded-For": "10.0.0.7"}, {"Forwarded": "for=10.0.0.7"}, {"Host": "penstock.example"},
                        {"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"},
                        {"Referer": "https://cameras.example/"}):
            with self.subTest(headers):
                status, answer = self.penstock.call("GET", "/api/v1/streams", headers=headers)
                self.assertEqual(status, 401, answer)

    def test_a_proxy_that_says_nothing_of_itself_is_not_this_machines_user(self):
        # As nginx asks with nothing but `proxy_pass http://localhost:8080`.
        host, port = self.penstock.http.split(":")
        for version, status in ("1.1", b"200"), ("1.0", b"401"):
            with self.subTest(version), socket.create_connection((host, int(port)), timeout=10) as connection:
                connection.sendall(f"GET /api/v1/streams HTTP/{version}\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
                answer = connection.recv(4096)
                self.assertEqual(answer.split(b" ")[1], status, answer)

    def test_a_key_opens_what_its_role_says(self):
        status, key = self.penstock.call("POST", "/api/v1/keys", {"user": "someone", "role": "viewer"})
        self.assertEqual(status, 201, key)
        foreign = {"X-Forwarded-For": "10.0.0.7", "Authorization": f"Bearer {key['secret']}"}
        self.assertEqual(self.penstock.call("GET", "/api/v1/streams", headers=foreign)[0], 200)
        self.assertEqual(self.penstock.call("GET", "/api/v1/sources", headers=foreign)[0], 403)
        foreign["Authorization"] = "Bearer wrong"
        self.assertEqual(self.penstock.call("GET", "/api/v1/streams", headers=foreign)[0], 401)


class BadInput(ServerTest):
    def setUp(self):
        super().setUp()
        camera = self.start(cameras.Simulator)
        self.penstock.add_source("good", camera.url)
        self.before = self.penstock.wait_for_fragments("good", 2)

    def check_unharmed(self):
        after = {fragment["number"]: fragment for fragment in self.penstock.fragments("good")}
        for fragment in self.before:
            self.assertEqual(after[fragment["number"]], fragment)

    def test_requests(self):
        for method, path, body, status, words in [
                ("POST", "/api/v1/sources", {"name": "a b", "url": "rtsp://127.0.0.1/x"}, 400, "name"),
                ("POST", "/api/v1/sources", {"name": "a", "url": "http://127.0.0.1/x"}, 400, "rtsp"),
                ("POST", "/api/v1/sources", {"name": "good", "url": "rtsp://127.0.0.1/x"}, 409, "good"),
                ("POST", "/api/v1/sources", {"nmae": "a"}, 400, "nmae"),
                ("POST", "/api/v1/streams", {"name": "x", "retention_hours": -1}, 400, "retention"),
                ("DELETE", "/api/v1/sources/nobody", None, 404, "nobody"),
                ("GET", "/api/v1/streams/nobody/fragments", None, 404, "nobody"),
                ("GET", "/api/v1/streams/good/fragments?limit=x", None, 400, "limit"),
                ("GET", "/hls/nobody/index.m3u8", None, 404, "nobody"),
                ("GET", "/hls/good/index.m3u8?start=yesterday", None, 400, "start"),
                ("GET", "/hls/good/index.m3u8?start=2000&end=1000", None, 400, "end"),
                ("GET", "/hls/good/index.m3u8?start=0&end=1&stop=1", None, 400, "stop"),
                ("GET", "/nothing/here", None, 404, ""),
                ("PUT", "/api/v1/streams", {}, 405, "")]:
            with self.subTest(f"{method} {path} {body}"):
                got, answer = self.penstock.call(method, path, body)
                self.assertEqual(got, status, answer)
                self.assertIn(words, json.dumps(answer) if not isinstance(answer, bytes) else answer.decode())
        self.check_unharmed()

    def send(self, at, garbage):
        """What comes back before the connection ends."""
        host, port = at.split(":")
        answer = b""
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            try:
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
            except OSError as error:  # cut off while it was still sending; the answer came before
                self.assertIn(error.errno, (errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN), error)
            try:
                while piece := connection.recv(65536):
                    answer += piece
            except ConnectionResetError:
                pass  # what it had sent was not read to its end
        return answer.decode()

    def test_bytes_that_are_no_protocol(self):
        announce = b"ANNOUNCE rtsp://x/../../etc RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n"
        for garbage, by_http, by_rtsp in [
                (b"\0" * 100_000, (400, "malformed"), (400, "byte 0x00")),
                (b"GET " + b"a" * 200_000, (431, "too large"), (413, "16384 bytes")),
                (announce, (400, "version"), (413, "99999999 bytes")),
                (b"hello\r\n\r\n", (400, "request line"), (400, "hello")),
                # To RTSP these are packets of channels that nobody has set up: there is no request to answer.
                (b"$\0\xff\xff" * 1000, (400, "malformed"), None),
                # Empty lines may stand before a request, which does not come.
                (b"\r\n\r\n", None, None)]:
            for at, expected in (self.penstock.http, by_http), (self.penstock.rtsp, by_rtsp):
                with self.subTest(f"{garbage[:20]} to {at}"):
                    answer = self.send(at, garbage)
                    if expected is None:
                        self.assertEqual(answer, "")
                        continue
                    status, words = expected
                    self.assertRegex(answer, rf"^(HTTP/1\.1|RTSP/1\.0) {status} ")
                    self.assertIn(words, answer)
        self.penstock.get("/healthz")
        self.check_unharmed()

    def test_command_line(self):
        for arguments, words in [(("source", "add", "x"), "URL"), (("source", "add", "x", "ftp://a/b"), "rtsp"), (("strem", "list"), "stream"),
                                 (("source", "status", "nobody"), "nobody"), (("stream", "retention", "good", "--max-bytes", "1KB"), "max_bytes"),
                                 (("stream", "retention", "good"), "how long")]:
            with self.subTest(arguments):
                done = self.penstock.cli(*arguments, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(words.lower(), done.stderr.lower())
        self.check_unharmed()


if __name__ == "__main__":
    unittest.main()
