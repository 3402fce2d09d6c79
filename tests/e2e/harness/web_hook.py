"""A web server that notes what it is asked."""

import http.server
import json
import threading

from harness import waiting


class Hook:
    """Notes what it is asked; `status` is what it answers, after those of `first`. What begins with `held` is not answered until it is released. It may be
    closed and opened again at the same port."""

    def __init__(self, tls=None):
        self.seen, self.status, self.first, self.port, self.tls = [], 200, [], 0, tls
        self.held, self.released = None, threading.Event()
        self.server = None
        self.open()

    def open(self):
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = hook.first.pop(0) if hook.first else hook.status
                hook.seen.append((status, self.command, self.path, dict(self.headers.items()), body))
                if hook.held and self.path.startswith(hook.held):
                    hook.released.wait()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_PUT = answer

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        if self.tls:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        if self.server:
            self.released.set()
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def url(self, path="/hook", scheme="http"):
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def delivered(self):
        return [json.loads(body) for status, _, _, _, body in list(self.seen) if status == 200]

    def wait_for(self, count):
        waiting.until(f"{count} notifications", lambda: len(self.delivered()) >= count, 60)
        return self.delivered()
