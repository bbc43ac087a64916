#!/usr/bin/env python3
"""Replays what clients that cannot be had here send, and says as JSON how each one fares.

    MCPDEPLOY_TEST_PASSWORD=… replays.py URL --user NAME [--only PART OF A NAME]

clients.json has a row for each client: what it registers, where it returns to, which documents it
looks for. docs/login-clients.md has where that is from. A row is taken from the first request
without a token to a call with a refreshed one; the person is headless Chromium (browser.py).

Prints name → `outcome`, and the `step` that failed with the request and the answer. Ends with 1
when that is otherwise than the row says: `fails` names the step of those known not to work.
"""

import argparse
import base64
import hashlib
import json
import secrets
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from browser import Login, Person
from callback import Callback
from chromium import Chromium, Unexpected

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 40.0
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "replay", "version": "1"},
    },
}
FORM = "application/x-www-form-urlencoded"


class Failed(Exception):
    """A step that did not work out."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(why)
        self.step = step


class Answer:
    """An answer of any status."""

    def __init__(self, status: int, headers, body: bytes) -> None:
        self.status, self.headers, self.text = status, headers, body.decode(errors="replace")

    def json(self) -> dict:
        """Its body."""
        return json.loads(self.text)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """No client of these follows one."""

    def redirect_request(self, *_args: object) -> None:
        """Takes the redirect as the answer."""


class Replay:
    """One client."""

    def __init__(self, name: str, row: dict, url: str, person: Person) -> None:
        self.name, self.row, self.url, self.person = name, row, url, person
        parts = urlsplit(url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._opener = urllib.request.build_opener(NoRedirect)

    def ask(self, method: str, url: str, body: bytes | None = None, **headers: str) -> Answer:
        """Sends a request as the client does; from a page, with its origin."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if "origin" in self.row:
            named["Origin"] = self.row["origin"]
        request = urllib.request.Request(url, body, named, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def expect(self, step: str, answer: Answer, status: int, asked: str) -> Answer:
        """The answer, if it is what the client needs; a page must be let read it, too."""
        if answer.status != status:
            raise Failed(step, f"{asked} was answered {answer.status}: {answer.text[:400]}")
        if "origin" in self.row:
            allowed = answer.headers.get("Access-Control-Allow-Origin")
            if allowed not in ("*", self.row["origin"]):
                raise Failed(step, f"{asked} was answered without Access-Control-Allow-Origin")
        return answer

    def preflight(self, url: str, method: str, headers: str) -> None:
        """What a browser asks before a page's request."""
        if "origin" not in self.row:
            return
        asked = {
            "Access_Control_Request_Method": method,
            "Access_Control_Request_Headers": headers,
        }
        answer = self.ask("OPTIONS", url, **asked)
        allowed = answer.headers.get("Access-Control-Allow-Headers", "").lower()
        missing = [name for name in headers.split(",") if name not in allowed]
        if answer.status not in (200, 204) or missing:
            why = f"OPTIONS {url} was answered {answer.status}, lacks {missing}"
            raise Failed("preflight", why)

    def run(self, browser: Chromium, callback: Callback) -> None:
        """From nothing to a call with a refreshed token."""
        self.refused()
        resource, issuer = self.discovered()
        client = self.registered(issuer)
        browser.forget()
        login, verifier, redirect = self.authorized(browser, callback, resource, issuer, client)
        self.asked(login, ["consent", "sign-in"])
        form = {
            "grant_type": "authorization_code",
            "code": dict(parse_qsl(urlsplit(login["reached"]).query))["code"],
            "redirect_uri": redirect,
            "code_verifier": verifier,
        }
        tokens = self.token("token", form, resource, issuer, client)
        self.initialized("call", tokens["access_token"])
        if "refresh_token" not in tokens:
            raise Failed("refresh", "there is no refresh token")
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        tokens = self.token("refresh", form, resource, issuer, client)
        self.initialized("refreshed call", tokens["access_token"])
        self.remembered(browser, callback, resource, issuer, client)

    def remembered(
        self, browser: Chromium, callback: Callback, resource: dict, issuer: dict, client: dict
    ) -> None:
        """Again in the same browser: a site is let in at once, a program is asked about again."""
        login, *_ = self.authorized(browser, callback, resource, issuer, client)
        self.asked(login, [] if self.row["redirect"].startswith("https:") else ["consent"])

    def asked(self, login: dict, pages: list[str]) -> None:
        """That the person saw these pages, and no others."""
        kinds = [page["kind"] for page in login["pages"]]
        if kinds != pages:
            raise Failed("pages", f"the person saw {kinds}, not {pages}")

    def initialize(self, **headers: str) -> Answer:
        """The first request of a client."""
        accept = "application/json, text/event-stream"
        body = json.dumps(INITIALIZE).encode()
        return self.ask(
            "POST", self.url, body, Content_Type="application/json", Accept=accept, **headers
        )

    def refused(self) -> None:
        """Without a token: 401, which is what makes clients look for more."""
        self.preflight(self.url, "POST", "authorization,content-type,mcp-protocol-version")
        answer = self.initialize()
        self.expect("mcp", answer, 401, f"POST {self.url}")
        if not answer.headers.get("WWW-Authenticate", "").startswith("Bearer"):
            raise Failed("mcp", "the 401 has no WWW-Authenticate: Bearer")

    def initialized(self, step: str, token: str) -> None:
        """The same with a token."""
        answer = self.initialize(Authorization=f"Bearer {token}")
        self.expect(step, answer, 200, "initialize with a token")

    def discovered(self) -> tuple[dict, dict]:
        """The documents, from where the client looks for them."""
        resource: dict = {}
        issuer: dict = {}
        for path in self.row["probes"]:
            url = self.origin + path
            self.preflight(url, "GET", "mcp-protocol-version")
            answer = self.ask("GET", url, Accept="application/json")
            if answer.status == 404 and path != self.row["probes"][-1]:
                continue
            document = self.expect("discover", answer, 200, f"GET {url}").json()
            if "oauth-protected-resource" in path:
                resource = document
            else:
                issuer = document
        if self.row.get("root"):
            # Before there was RFC 9728: the server's origin is the issuer.
            resource = {"authorization_servers": [self.origin], "resource": self.url}
        if resource["resource"] != self.url:
            raise Failed("discover", f"the resource is {resource['resource']}, not {self.url}")
        if issuer["issuer"] != resource["authorization_servers"][0]:
            raise Failed("discover", f"{issuer['issuer']} is not whom the resource names")
        return resource, issuer

    def registered(self, issuer: dict) -> dict:
        """Its registration."""
        url = issuer["registration_endpoint"]
        self.preflight(url, "POST", "content-type")
        wanted = self.row["registration"]
        body = json.dumps(wanted).encode()
        answer = self.ask("POST", url, body, Content_Type="application/json")
        client = self.expect("register", answer, 201, f"POST {url}").json()
        for name in ("redirect_uris", "token_endpoint_auth_method"):
            if client.get(name) != wanted[name]:
                raise Failed("register", f"{name} is {client.get(name)}, not {wanted[name]}")
        return client

    def authorized(
        self, browser: Chromium, callback: Callback, resource: dict, issuer: dict, client: dict
    ) -> tuple[dict, str, str]:
        """The person's login with the code in it, what proves the asking, and where it was sent."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        redirect = self.row["redirect"].replace("{port}", str(callback.port))
        state = self.row.get("state", secrets.token_urlsafe(16))
        asked = {
            "response_type": "code",
            "client_id": client["client_id"],
            "redirect_uri": redirect,
            "state": state,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        supported = " ".join(resource.get("scopes_supported", []))
        scope = self.row.get("scope", "{scopes}")
        if scope:
            asked["scope"] = scope.replace("{scopes}", supported)
        if self.row.get("resource", True):
            asked["resource"] = resource["resource"]
        url = f"{issuer['authorization_endpoint']}?{urlencode(asked)}"
        try:
            login = Login(browser, url, self.person).run()
        except Unexpected as error:
            raise Failed("authorize", str(error)) from None
        back = dict(parse_qsl(urlsplit(login["reached"]).query))
        if "code" not in back:
            raise Failed("authorize", f"the client was told {back}")
        if back.get("state") != state or back.get("iss") != issuer["issuer"]:
            raise Failed("authorize", f"state or iss is not what it should be: {sorted(back)}")
        return login, verifier, redirect

    def token(self, step: str, form: dict, resource: dict, issuer: dict, client: dict) -> dict:
        """Tokens, asked for as the client authenticates itself."""
        url = issuer["token_endpoint"]
        self.preflight(url, "POST", "content-type")
        headers = {"Content_Type": FORM, "Accept": "application/json"}
        method = client["token_endpoint_auth_method"]
        if self.row.get("resource", True):
            form["resource"] = resource["resource"]
        if method == "client_secret_basic":
            pair = f"{quote(client['client_id'])}:{quote(client['client_secret'])}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = client["client_id"]
        if method == "client_secret_post":
            form["client_secret"] = client["client_secret"]
        answer = self.ask("POST", url, urlencode(form).encode(), **headers)
        tokens = self.expect(step, answer, 200, f"POST {url}").json()
        if tokens.get("token_type", "").lower() != "bearer":
            raise Failed(step, f"token_type is {tokens.get('token_type')}")
        return tokens


def main() -> None:
    """Reads the command line, replays, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--user", required=True)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    rows = json.loads((HERE / "clients.json").read_text())
    chosen = {name: row for name, row in rows.items() if given.only in name}
    if not chosen:
        sys.exit(f"no client's name has “{given.only}” in it")
    person = Person(given.user)
    found, wrong = {}, []
    callback = Callback("localhost")
    with Chromium() as browser:
        for name, row in chosen.items():
            try:
                Replay(name, row, given.url, person).run(browser, callback)
                found[name] = {"outcome": "works"}
            except Failed as failure:
                found[name] = {"outcome": "fails", "step": failure.step, "why": str(failure)}
            if found[name].get("step") != row.get("fails"):
                wrong.append(name)
    callback.close()
    print(json.dumps(found, indent=2, ensure_ascii=False))
    if wrong:
        sys.exit(f"otherwise than clients.json says: {'; '.join(wrong)}")


if __name__ == "__main__":
    main()
