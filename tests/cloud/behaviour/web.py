"""Plain HTTP as a client outside of AWS speaks it, and an OpenID issuer to test authorizers with."""

import base64
import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


@dataclass(frozen=True)
class Answer:
    status: int
    # In the order and number received, names in lower case.
    headers: list
    body: bytes

    def header(self, name: str):
        """The value, joined where there are several; None when there is none."""
        values = self.all(name)
        return ", ".join(values) if values else None

    def all(self, name: str) -> list:
        return [value for key, value in self.headers if key == name.lower()]

    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)


def local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Web:
    """Sends requests; those for AWS's own names go to the endpoint under test, by their Host."""

    def __init__(self, endpoint=None):
        self.endpoint = urlsplit(endpoint) if endpoint else None

    def send(self, method: str, url: str, headers=(), body=None, timeout: float = 40) -> Answer:
        """`headers` is a mapping, or pairs where a name comes more than once."""
        target = urlsplit(url)
        host, port, scheme = target.hostname, target.port, target.scheme
        port = port or (443 if scheme == "https" else 80)
        if self.endpoint and not local(host):
            # Never let a test of a local cloud reach AWS.
            host, scheme = self.endpoint.hostname, self.endpoint.scheme
            port = self.endpoint.port or (443 if scheme == "https" else 80)
        elif local(host) and host.endswith("localhost"):
            # Names below localhost need no resolver.
            host = self.endpoint.hostname if self.endpoint and local(self.endpoint.hostname) else "127.0.0.1"
        if scheme == "https":
            context = ssl.create_default_context()
            if local(host):
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=timeout)
        path = target.path or "/"
        if target.query:
            path += "?" + target.query
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("host", target.netloc)
            for name, value in pairs:
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            received = [(name.lower(), value) for name, value in response.getheaders()]
            return Answer(response.status, received, response.read())
        finally:
            connection.close()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def claims(token: str) -> dict:
    """What a JWT claims, unchecked."""
    return json.loads(unb64(token.split(".")[1]))


def verifies(token: str, jwks: dict) -> bool:
    """Whether an RS256 token is signed by the key of the set that it names."""
    head, body, signature = token.split(".")
    kid = json.loads(unb64(head))["kid"]
    for key in jwks["keys"]:
        if key["kid"] == kid:
            e, n = (int.from_bytes(unb64(key[part]), "big") for part in "en")
            public = rsa.RSAPublicNumbers(e, n).public_key()
            try:
                public.verify(unb64(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
                return True
            except Exception:
                return False
    return False


class Issuer:
    """An OpenID issuer on a free loopback port: discovery document, key set, and tokens to order."""

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = self.key.public_key().public_numbers()
        as_bytes = lambda number: number.to_bytes((number.bit_length() + 7) // 8, "big")
        self.jwks = {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "alg": "RS256",
                    "kid": "test-key",
                    "n": b64(as_bytes(numbers.n)),
                    "e": b64(as_bytes(numbers.e)),
                }
            ]
        }
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                documents = {
                    "/.well-known/openid-configuration": {
                        "issuer": issuer.url,
                        "jwks_uri": f"{issuer.url}/jwks.json",
                        "id_token_signing_alg_values_supported": ["RS256"],
                    },
                    "/jwks.json": issuer.jwks,
                }
                found = documents.get(self.path)
                body = json.dumps(found or {"message": "not found"}).encode()
                self.send_response(200 if found else 404)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            address_family = socket.AF_INET

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def token(self, *, forged=False, alg="RS256", kid="test-key", **changed) -> str:
        """A good access token for the audience `tests`; a claim given as None is left out."""
        now = int(time.time())
        claimed = {"iss": self.url, "aud": "tests", "sub": "someone", "iat": now, "nbf": now - 5, "exp": now + 300}
        claimed = {key: value for key, value in {**claimed, **changed}.items() if value is not None}
        head = b64(json.dumps({"alg": alg, "typ": "JWT", "kid": kid}).encode())
        body = b64(json.dumps(claimed).encode())
        if alg == "none":
            return f"{head}.{body}."
        key = self.other if forged else self.key
        return f"{head}.{body}.{b64(key.sign(f'{head}.{body}'.encode(), padding.PKCS1v15(), hashes.SHA256()))}"
