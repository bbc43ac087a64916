"""A server that knows no Lambda: it listens on $PORT and answers a few paths."""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COUNT = 0
READY_AFTER = int(os.environ.get("TEST_READY_AFTER", "0"))
PROBES = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, kind, body, headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        global COUNT, PROBES
        path = self.path.partition("?")[0]
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        if path == "/ready":
            PROBES += 1
            self.answer(503 if PROBES <= READY_AFTER else 404, "text/plain", b"")
        elif path == "/echo":
            COUNT += 1
            said = {
                "method": self.command,
                "path": self.path,
                "headers": {name.lower(): value for name, value in self.headers.items()},
                "body": body,
                "count": COUNT,
                "probes": PROBES,
                "arguments": sys.argv[1:],
                "pid": os.getpid(),
                "peer": self.client_address[1],
                "runtime_api": os.environ.get("AWS_LAMBDA_RUNTIME_API"),
                "injected": os.environ.get("TEST_TOKEN"),
                "port": [os.environ["PORT"], os.environ["MCPDEPLOY_PORT"]],
            }
            self.answer(200, "application/json", json.dumps(said).encode())
        elif path == "/binary":
            self.answer(200, "image/png", bytes(range(256)))
        elif path == "/cookies":
            cookies = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Connection", "keep-alive")]
            self.answer(404, "text/plain", b"none", cookies)
        elif path == "/large":
            self.answer(200, "text/plain", b"x" * (7 * 1024 * 1024))
        elif path == "/die":
            print("dying", file=sys.stderr, flush=True)
            os._exit(3)
        elif path == "/after":
            self.answer(200, "text/plain", b"done")
            self.wfile.flush()
            os._exit(4)
        elif path == "/hang":
            time.sleep(3600)
        elif path in ("/stream", "/torn"):
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\none\r\n")
            self.wfile.flush()
            while not os.path.exists(os.environ["TEST_GO_ON"]):
                time.sleep(0.01)
            if path == "/torn":
                os._exit(5)
            self.wfile.write(b"3\r\ntwo\r\n0\r\n\r\n")

    do_POST = do_GET
    do_DELETE = do_GET


def ended(*_):
    print(json.dumps({"level": "INFO", "message": "server told to end"}), flush=True)
    os._exit(0)


signal.signal(signal.SIGTERM, ended)
print("plain words", flush=True)
print(json.dumps({"level": "DEBUG", "n": 1}), file=sys.stderr, flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
