#!/usr/bin/env python3
"""Lets the official conformance suite judge an authorization server, and says as JSON what came of it.

    authorization.py ISSUER --resource MCP_URL --user NAME [--timeout SECONDS]

The password comes from MCPDEPLOY_TEST_PASSWORD. The suite's client is registered here, as clients
without an id do it (RFC 7591); the suite then wants a person who opens its URL: here one who agrees
and signs in, over plain HTTP with cookies, without scripts. Prints scenario → `{"outcome": …}`, as
conformance.py does. Ends with 0 when the suite ran to its end, whatever it found.
"""

import argparse
import html.parser
import http.cookiejar
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import install
from conformance import Failure, judged

# Consent, sign-in and the ways between them.
MOST_STEPS = 12


class Page(html.parser.HTMLParser):
    """The first form of a page, with its buttons, and where the page goes on by itself."""

    def __init__(self, text: str):
        super().__init__()
        self.action = self.onward = None
        self.method = "get"
        self.fields: dict[str, str] = {}
        self.buttons: list[tuple[str, str]] = []
        self.forms = 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.forms += 1
            if self.forms == 1:
                self.action = given.get("action", "")
                self.method = given.get("method", "get").lower()
        elif tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.onward = given["content"].partition("url=")[2]
        elif self.forms == 1 and given.get("name"):
            if tag == "button" or given.get("type") == "submit":
                self.buttons.append((given["name"], given.get("value", "")))
            elif tag == "input":
                self.fields[given["name"]] = given.get("value", "")


class Person:
    """Agrees to what is asked and signs in, with the cookies of one browser."""

    def __init__(self, user: str, password: str):
        self.user, self.password = user, password
        jar = http.cookiejar.CookieJar()
        cookies = urllib.request.HTTPCookieProcessor(jar)
        self.opener = urllib.request.build_opener(cookies)

    def go(self, url: str, last: str) -> None:
        """From `url` until a page at `last` is there."""
        data = None
        for _ in range(MOST_STEPS):
            try:
                with self.opener.open(url, data, timeout=30) as answer:
                    url, text = answer.url, answer.read().decode()
            except urllib.error.HTTPError as error:
                said = re.sub(r"(?s)<style.*?</style>|<[^>]*>|\s", " ", error.read().decode())
                said = " ".join(said.split())[:500]
                raise Failure(f"{url.partition('?')[0]} answers {error.code}: {said}") from error
            if url.startswith(last):
                return
            page, data = Page(text), None
            if page.onward:
                url = urllib.parse.urljoin(url, page.onward)
            elif page.action is not None:
                url, data = self.filled_in(url, page)
            else:
                raise Failure(f"{url.partition('?')[0]} leads nowhere: {text[:500]}")
        raise Failure(f"no end after {MOST_STEPS} pages: {url.partition('?')[0]}")

    def filled_in(self, url: str, page: Page) -> tuple[str, bytes]:
        """The form as a person sends it."""
        if page.method != "post":
            raise Failure(f"a form of {url.partition('?')[0]} is sent with {page.method}")
        fields = dict(page.fields)
        if "password" in fields:
            fields |= {"username": self.user, "password": self.password}
        # What agrees is called so by its value; a page with one button needs no choice.
        agree = [button for button in page.buttons if button[1] == "approve"]
        fields |= dict(agree or page.buttons[:1])
        return urllib.parse.urljoin(url, page.action), urllib.parse.urlencode(fields).encode()


def metadata(issuer: str) -> dict:
    """What the issuer says of itself (RFC 8414)."""
    parts = urllib.parse.urlsplit(issuer)
    where = f"/.well-known/oauth-authorization-server{parts.path.rstrip('/')}"
    url = urllib.parse.urlunsplit((parts.scheme, parts.netloc, where, "", ""))
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise Failure(f"{url} is no metadata: {error}") from error


def register(endpoint: str, redirect_uri: str) -> str:
    """The id of a public client that is returned to there."""
    client = {
        "client_name": "conformance",
        "redirect_uris": [redirect_uri],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    }
    kind = {"content-type": "application/json"}
    request = urllib.request.Request(endpoint, json.dumps(client).encode(), kind)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["client_id"]
    except urllib.error.HTTPError as error:
        raise Failure(f"{endpoint} answers {error.code}: {error.read().decode()[:500]}") from error


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def judge(given: argparse.Namespace, person: Person) -> dict[str, dict]:
    """One run of the suite: scenario → outcome."""
    where = install.ensure()
    port = free_port()
    back = f"http://127.0.0.1:{port}/callback"
    client = register(metadata(given.issuer)["registration_endpoint"], back)
    with tempfile.TemporaryDirectory(prefix="authorization-") as results:
        command = [where["node"], where["conformance"], "authorization", "--url", given.issuer]
        command += ["--client-id", client, "--resource", given.resource]
        command += ["--port", str(port), "--output-dir", results]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        suite = subprocess.Popen(command, stdin=subprocess.DEVNULL, **pipes)
        watch = threading.Timer(given.timeout, suite.kill)
        watch.start()
        printed = []
        try:
            for line in suite.stdout:
                printed.append(line)
                if line.startswith("http") and "code_challenge=" in line:
                    person.go(line.strip(), back)
        finally:
            # It would wait for the person for minutes.
            if sys.exc_info()[0]:
                suite.kill()
            suite.wait()
            watch.cancel()
        if suite.returncode not in (0, 1):
            raise Failure(f"the suite ended with {suite.returncode}: {''.join(printed)[-500:]}")
        outcomes = {}
        for report in sorted(Path(results).rglob("checks.json")):
            # Its folder is `authorization-server-<scenario>-<time>`.
            name = re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z$", "", report.parent.name)
            name = name.removeprefix("authorization-server-")
            checks = json.loads(report.read_text())
            outcomes[name] = judged(checks)
            for check in checks:
                if check["status"] in ("FAILURE", "WARNING"):
                    print(f"{name}: {check['id']}: {check.get('errorMessage')}", file=sys.stderr)
    if not outcomes:
        raise Failure(f"the suite ran nothing: {''.join(printed)[-500:]}")
    return outcomes


def main() -> None:
    """Reads the command line, judges, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("issuer")
    parser.add_argument("--resource", required=True, help="the MCP server that the token is for")
    parser.add_argument("--user", required=True)
    parser.add_argument("--timeout", type=float, default=120, help="seconds, of the suite as a whole")
    given = parser.parse_args()
    person = Person(given.user, os.environ.get("MCPDEPLOY_TEST_PASSWORD", ""))
    try:
        print(json.dumps(judge(given, person), indent=2))
    except Failure as failure:
        sys.exit(f"failed to judge the authorization server: {failure}")


if __name__ == "__main__":
    main()
