#!/usr/bin/env python3
"""Logs in as a person does, in headless Chromium.

    MCPDEPLOY_TEST_PASSWORD=… browser.py URL --user NAME [--deny] [--keyboard] [--shots DIR]

Opens the authorization URL, fills in the sign-in page, answers the consent page, and ends when the
browser is sent to the URL's `redirect_uri`. One on loopback is really visited, so the client's own
server gets it; for any other the browser is stopped just before. Prints `reached` and `pages`: what
each page was and said, and what an eye would stumble over. Ends with 1 and what the page showed
when something is unexpected.

A temporary password is changed to `MCPDEPLOY_TEST_NEW_PASSWORD`. An authenticator app is set up
when the page asks for it; of one that was, `MCPDEPLOY_TEST_APP_KEY` is the key. `--keyboard`
touches no mouse, and wants what has the focus to be marked.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from chromium import Chromium, Gone, Unexpected
from looks import photograph

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# More pages than any login has.
MOST_PAGES = 12
# More stops than any page has.
MOST_TABS = 30

PAGE = """(() => {
  const text = (e) => (e ? e.innerText.trim() : '');
  const has = (s) => document.querySelector(s) !== null;
  return {
    ready: document.readyState === 'complete',
    url: location.href,
    heading: text(document.querySelector('h1')),
    text: text(document.body),
    shown: text(document.querySelector('code')),
    passing: has('meta[http-equiv=refresh]'),
    names: [...document.querySelectorAll('input:not([type=hidden])')].map((e) => e.name),
    decides: has('button[name=decision]'),
  };
})()"""

# The middle of an element, in view.
PLACE = """((e) => {
  if (!e) return null;
  e.scrollIntoView({block: 'center'});
  const box = e.getBoundingClientRect();
  return box.width && box.height ? [box.x + box.width / 2, box.y + box.height / 2] : null;
})(document.querySelector(%s))"""

FOCUS = """((e, wanted) => {
  const style = getComputedStyle(e);
  return {
    there: e === wanted,
    name: e === document.body ? '' : e.innerText.trim() || e.name,
    marked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
  };
})(document.activeElement, document.querySelector(%s))"""


def told(name: str):
    """A secret, which comes in a variable and is never shown."""
    return field(default_factory=lambda: os.environ.get(name, ""), repr=False)


@dataclass
class Person:
    """Who logs in, and how."""

    username: str
    agrees: bool = True
    keyboard: bool = False
    shots: Path | None = None
    password: str = told("MCPDEPLOY_TEST_PASSWORD")
    # What a temporary password is changed to.
    new_password: str = told("MCPDEPLOY_TEST_NEW_PASSWORD")
    # The key of an authenticator app; one that is set up shows it.
    app_key: str = told("MCPDEPLOY_TEST_APP_KEY")


def one_time_code(key: str) -> str:
    """What an authenticator app shows now (RFC 6238)."""
    secret = base64.b32decode(key + "=" * (-len(key) % 8))
    counter = int(time.time() // 30).to_bytes(8, "big")
    digest = hmac.new(secret, counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


class Login:
    """One login, from the client's authorization URL to its redirect URI."""

    def __init__(self, browser: Chromium, url: str, person: Person) -> None:
        self.browser, self.url, self.person = browser, url, person
        asked = parse_qs(urlsplit(url).query).get("redirect_uri")
        if not asked:
            raise Unexpected(f"the authorization URL has no redirect_uri: {url}")
        self.redirect_uri = asked[0]
        self.loopback = urlsplit(self.redirect_uri).hostname in LOOPBACK
        self.reached = ""
        self.pages: list[dict] = []
        browser.listen = self._heard
        stages = ["Response"] if self.loopback else ["Response", "Request"]
        pages = {"urlPattern": "*", "resourceType": "Document"}
        browser.call("Fetch.enable", patterns=[pages | {"requestStage": stage} for stage in stages])

    def _is_back(self, url: str) -> bool:
        """Whether the URL is the redirect URI with parameters of an answer."""
        rest = url.removeprefix(self.redirect_uri)
        return rest != url and rest[:1] in ("", "?", "&", "#")

    def _heard(self, method: str, params: dict) -> None:
        if method == "Page.frameRequestedNavigation" and not self.loopback:
            # A scheme that no browser knows makes no request.
            self._arrive(params["url"])
        elif method == "Fetch.requestPaused":
            self._paused(params)

    def _arrive(self, url: str) -> bool:
        if self._is_back(url):
            self.reached = url
        return self._is_back(url)

    def _paused(self, params: dict) -> None:
        """Lets a request or its answer go on, unless it leads to a client that is not here."""
        request = params["requestId"]
        status = params.get("responseStatusCode")
        url = params["request"]["url"]
        headers = params.get("responseHeaders") or []
        if status is None:
            ends = self._arrive(url)
        elif 300 <= status < 400 and not self.loopback:
            headers = {header["name"].lower(): header["value"] for header in headers}
            ends = self._arrive(headers.get("location", ""))
        else:
            ends = False
            if self._is_back(url):
                self.reached = url
        if ends:
            page = {"responseCode": 200, "body": base64.b64encode(b"<h1>Back</h1>").decode()}
            page["responseHeaders"] = [{"name": "Content-Type", "value": "text/html"}]
            self.browser.send("Fetch.fulfillRequest", requestId=request, **page)
        else:
            self.browser.send("Fetch.continueRequest", requestId=request)

    def run(self) -> dict:
        """The whole login."""
        browser = self.browser
        before = browser.loads
        # Unanswered when the browser is stopped before the client's own page.
        browser.send("Page.navigate", url=self.url)
        self._next(before, "opening the authorization URL")
        while not self.reached:
            before = browser.loads
            page = self._page()
            if self.reached or browser.loads > before:
                continue
            if not page or not page["ready"]:
                self._next(before, "a page")
                continue
            if len(self.pages) == MOST_PAGES:
                raise self._wrong(page, "the login does not end")
            if page["url"].startswith("chrome-error:"):
                raise self._wrong(page, f"no page came: {browser.network_error}")
            if page["passing"]:
                self._next(before, f"the page “{page['heading']}”")
                continue
            kind, act = self._plan(page)
            seen = self._see(kind, page)
            act()
            if self.person.keyboard and (unmarked := [n for n, m in seen["focus"] if not m]):
                raise self._wrong(page, f"focus is not marked on {', '.join(unmarked)}")
            self._next(before, f"answering the page “{page['heading']}”")
        return {"reached": self.reached, "pages": self.pages}

    def _next(self, before: int, what: str) -> None:
        """Waits for the next page, or for the client's."""
        browser = self.browser

        def come() -> bool:
            return browser.loads > before or bool(self.reached and not self.loopback)

        try:
            browser.until(come, what)
        except Unexpected as error:
            raise self._wrong(self._page() or {}, str(error)) from None

    def _page(self) -> dict | None:
        """What the page says of itself; nothing when it goes away in the middle."""
        try:
            return self.browser.evaluate(PAGE)
        except Gone:
            return None

    def _plan(self, page: dict):
        """What kind of page it is, and what to do with it."""
        person, names = self.person, page["names"]
        # A page that comes again did not take the answer.
        seen = [page["kind"] for page in self.pages]
        if names[:1] == ["username"] and "password" in names and "sign-in" not in seen:
            fields = {"username": person.username, "password": person.password}
            return "sign-in", lambda: self._submit(fields)
        if "new_password" in names and person.new_password and "new-password" not in seen:
            fields = {"new_password": person.new_password, "confirm_password": person.new_password}
            return "new-password", lambda: self._submit(fields)
        if names == ["code"] and (page["shown"] or person.app_key) and "code" not in seen:
            person.app_key = page["shown"] or person.app_key
            return "code", lambda: self._submit({"code": one_time_code(person.app_key)})
        if page["decides"] and "consent" not in seen:
            decision = "approve" if person.agrees else "deny"
            return "consent", lambda: self._push(f'button[name=decision][value="{decision}"]')
        raise self._wrong(page, "this page was not expected")

    def _see(self, kind: str, page: dict) -> dict:
        """Notes the page, and looks at it from all sides."""
        seen = {"kind": kind, "heading": page["heading"], "text": page["text"], "focus": []}
        self.pages.append(seen)
        if self.person.shots:
            seen["flaws"] = photograph(self.browser, self.person.shots, f"{len(self.pages)}-{kind}")
        return seen

    def _submit(self, fields: dict[str, str]) -> None:
        for name, value in fields.items():
            selector = f'input[name="{name}"]'
            self._go_to(selector)
            # What the page has filled in already is typed over.
            self.browser.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
            for letter in value:
                self.browser.press(letter)
        if self.person.keyboard:
            self.browser.press("Enter")
        else:
            self._push("form button")

    def _push(self, selector: str) -> None:
        self._go_to(selector)
        if self.person.keyboard:
            self.browser.press("Enter")

    def _go_to(self, selector: str) -> None:
        """Puts the focus on an element, by the mouse or with the Tab key."""
        browser, quoted = self.browser, json.dumps(selector)
        if not self.person.keyboard:
            place = browser.evaluate(PLACE % quoted)
            if not place:
                raise self._wrong(browser.evaluate(PAGE), f"{selector} is not to be seen")
            browser.click(*place)
            return
        for _ in range(MOST_TABS):
            focus = browser.evaluate(FOCUS % quoted)
            stop = [focus["name"], focus["marked"]]
            if focus["name"] and self.pages[-1]["focus"][-1:] != [stop]:
                self.pages[-1]["focus"].append(stop)
            if focus["there"]:
                return
            browser.press("Tab")
        raise self._wrong(browser.evaluate(PAGE), f"the Tab key does not lead to {selector}")

    def _wrong(self, page: dict, why: str) -> Unexpected:
        where = page.get("url", "a page on its way").split("?")[0]
        before = ", ".join(seen["kind"] for seen in self.pages) or "nothing"
        return Unexpected(f"{why}\nAfter {before}, {where} shows:\n{page.get('text', '')}")


def log_in(url: str, person: Person, browser: Chromium | None = None) -> dict:
    """Logs in, in a browser of its own or in one that knows the person already."""
    if browser:
        return Login(browser, url, person).run()
    with Chromium() as browser:
        return Login(browser, url, person).run()


def main() -> None:
    """Reads the command line, logs in, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--user", required=True)
    parser.add_argument("--deny", action="store_true")
    parser.add_argument("--keyboard", action="store_true")
    parser.add_argument("--shots", type=Path)
    given = parser.parse_args()
    person = Person(given.user, not given.deny, given.keyboard, given.shots)
    try:
        print(json.dumps(log_in(given.url, person), indent=2))
    except Unexpected as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
