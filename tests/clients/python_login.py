#!/usr/bin/env python3
"""Logs in to a server as the official Python SDK does, and says as JSON what came of it.

    MCPDEPLOY_TEST_PASSWORD=… python_login.py URL --user NAME
        [--mode auto|legacy] [--host 127.0.0.1|localhost] [--client-metadata-url URL]
        [--deny] [--keyboard] [--shots DIR]

The SDK discovers, registers, exchanges and refreshes by itself; a person in headless Chromium does
the rest (browser.py). Calls the first tool whose arguments are plain values three times: after the
login, with a token that the SDK takes for expired, and as a new process that finds the tokens of
the first. Prints `registered`, `token`, `claims` (never the token), `calls`, `refresh`, `callback`,
`pages` and `requests`. Ends with 1 and a reason when the login fails.

With `--deny` nobody agrees: then `callback` has the error, and there is no token.

Runs itself again with the Python that install.py made.
"""

import argparse
import asyncio
import base64
import json
import logging
import os
import sys
from pathlib import Path

import browser
import install
from callback import Callback
from python_client import TIMEOUT_S, arguments, reasons

HERE = Path(__file__).resolve().parent
# What of the answer and of the claims is worth being seen.
ANSWER = ("error", "error_description", "iss")
CLAIMS = ("aud", "client_id", "iss", "scope", "token_use", "version")


class Memory:
    """Keeps what a client would keep in a file."""

    def __init__(self) -> None:
        self.tokens = self.client = None

    async def get_tokens(self):
        """The tokens."""
        return self.tokens

    async def set_tokens(self, tokens) -> None:
        """Keeps tokens."""
        self.tokens = tokens

    async def get_client_info(self):
        """The registration."""
        return self.client

    async def set_client_info(self, client_info) -> None:
        """Keeps the registration."""
        self.client = client_info


def claims(token: str) -> dict:
    """What the token says; its signature is the gateway's to check."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


class Visit:
    """A client and its person."""

    def __init__(self, given: argparse.Namespace, callback: Callback) -> None:
        self.given, self.callback = given, callback
        self.memory = Memory()
        self.requests: list[str] = []
        self.logins: list[dict] = []
        self.answer: dict[str, str] = {}
        self.calls: dict[str, object] = {}
        self.said: dict[str, object] = {}

    async def _redirect(self, url: str) -> None:
        given = self.given
        person = browser.Person(given.user, not given.deny, given.keyboard, given.shots)
        login = await asyncio.to_thread(browser.log_in, url, person)
        self.logins.append(login)

    async def _returned(self):
        from mcp.client.auth import AuthorizationCodeResult

        answer = await asyncio.to_thread(self.callback.answers.get, timeout=TIMEOUT_S)
        self.answer = answer
        return AuthorizationCodeResult(
            code=answer.get("code", ""), state=answer.get("state"), iss=answer.get("iss")
        )

    def _provider(self):
        from mcp.client.auth import OAuthClientProvider
        from mcp.shared.auth import OAuthClientMetadata

        redirect_uri = f"http://{self.given.host}:{self.callback.port}/callback"
        metadata = OAuthClientMetadata(client_name="Python SDK", redirect_uris=[redirect_uri])
        return OAuthClientProvider(
            server_url=self.given.url,
            client_metadata=metadata,
            storage=self.memory,
            redirect_handler=self._redirect,
            callback_handler=self._returned,
            client_metadata_url=self.given.client_metadata_url,
        )

    async def _note(self, response) -> None:
        request = response.request
        self.requests.append(f"{request.method} {request.url.path} {response.status_code}")

    async def _process(self, name: str, again: str | None = None) -> None:
        """What one process does: connects, lists, calls; `again` with a token that expired."""
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client
        from mcp.shared._httpx_utils import create_mcp_http_client

        provider = self._provider()
        async with create_mcp_http_client(auth=provider) as http:
            http.event_hooks["response"].append(self._note)
            transport = streamable_http_client(self.given.url, http_client=http)
            client = Client(transport, mode=self.given.mode, read_timeout_seconds=TIMEOUT_S)
            async with client:
                self.said["protocolVersion"] = client.protocol_version
                tools = (await client.list_tools()).tools
                self.calls[name] = await self._call(client, tools)
                if again:
                    # As if time had passed.
                    provider.context.token_expiry_time = 1.0
                    self.calls[again] = await self._call(client, tools)

    async def _call(self, client, tools) -> dict:
        tool, values = next(
            (tool, values)
            for tool in tools
            if (values := arguments(tool.input_schema)) is not None
        )
        result = await client.call_tool(tool.name, values)
        texts = [part.text for part in result.content if part.type == "text"]
        return {"tool": tool.name, "failed": result.is_error, "text": texts}

    async def run(self) -> dict:
        """The whole visit."""
        memory = self.memory
        first = {}

        async def noting(tokens) -> None:
            first.setdefault("tokens", tokens)
            memory.tokens = tokens

        memory.set_tokens = noting
        try:
            await self._process("login", "refresh")
        except Exception as error:
            if not self.given.deny or not self.answer:
                raise
            self.said["refused"] = reasons(error)
            return self._said()
        if self.given.deny:
            raise browser.Unexpected("nobody agreed, and still there is a token")
        asked, logins = len(self.requests), len(self.logins)
        await self._process("restart")
        said, token, later = claims(first["tokens"].access_token), first["tokens"], memory.tokens
        new = claims(later.access_token)
        return self._said() | {
            "token": {
                "type": token.token_type,
                "expiresIn": token.expires_in,
                "scope": token.scope,
                "refreshable": token.refresh_token is not None,
            },
            "claims": {name: said[name] for name in CLAIMS if name in said},
            "refresh": {
                "newToken": new["jti"] != said["jti"],
                "sameLogin": new["origin_jti"] == said["origin_jti"],
                "sameClaims": all(new.get(name) == said.get(name) for name in CLAIMS),
                "refreshable": later.refresh_token is not None,
            },
            "restart": {
                "logins": len(self.logins) - logins,
                "requests": self.requests[asked:],
            },
        }

    def _said(self) -> dict:
        """What is known whether or not there is a token."""
        client, answer = self.memory.client, self.answer
        url = self.given.client_metadata_url
        return self.said | {
            "registered": {
                "by": "document" if url and client.client_id == url else "registration",
                "method": client.token_endpoint_auth_method,
                "secret": client.client_secret is not None,
                "scope": client.scope,
            },
            "callback": {name: answer[name] for name in ANSWER if name in answer},
            "calls": self.calls,
            "pages": [page for login in self.logins for page in login["pages"]],
            "requests": self.requests,
        }


def main() -> None:
    """Reads the command line, logs in, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--user", required=True)
    parser.add_argument("--mode", choices=("auto", "legacy"), default="auto")
    parser.add_argument("--host", choices=("127.0.0.1", "localhost"), default="127.0.0.1")
    parser.add_argument("--client-metadata-url")
    parser.add_argument("--deny", action="store_true")
    parser.add_argument("--keyboard", action="store_true")
    parser.add_argument("--shots", type=Path)
    given = parser.parse_args()
    python = install.ensure()["python"]
    if Path(sys.prefix) != Path(python).parent.parent:
        os.execv(python, [python, str(HERE / "python_login.py"), *sys.argv[1:]])
    # What the SDK raises says all that it logs.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    callback = Callback(given.host)
    visit = Visit(given, callback)
    try:
        found = asyncio.run(visit.run())
    except Exception as error:  # whatever the SDK raises is the reason
        asked = "\n".join(visit.requests)
        sys.exit(f"failed to log in to {given.url}: {reasons(error)}\nIt had asked:\n{asked}")
    finally:
        callback.close()
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
