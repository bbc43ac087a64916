"""A client's loopback address, to which the browser is returned."""

import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


class Callback:
    """Listens at a port of its own. Every path is taken; only answers to a client are kept."""

    def __init__(self, host: str) -> None:
        self.answers: queue.Queue[dict[str, str]] = queue.Queue()
        answers = self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Takes the answer; whatever else the browser asks for is not there."""
                asked = dict(parse_qsl(urlsplit(self.path).query))
                back = "code" in asked or "error" in asked
                if back:
                    answers.put(asked)
                self.send_response(200 if back else 404)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<h1>You can close this window</h1>")

            def log_message(self, *_args: object) -> None:
                """Says nothing: the address has the code in it."""

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Listens no more."""
        self._server.shutdown()
        self._server.server_close()
