#!/usr/bin/env python3
"""Logs in as clients for the command line do, and says as JSON what came of it.

    MCPDEPLOY_TEST_PASSWORD=… cli_login.py URL --user NAME [--only mcp-remote|inspector]

Runs `mcp-remote` and the CLI of MCP Inspector as they are, with a home of their own. Each prints
the authorization URL; headless Chromium visits it (browser.py). Prints name → `tools`, and how
many `logins` there were: one, although each is run twice. Ends with 1 and what the client said
when it lists no tools.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import install
from browser import Person, log_in
from chromium import Unexpected

TIMEOUT_S = 90.0
AUTHORIZE = re.compile(r"https?://\S+[?&]code_challenge=\S+")
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "cli-login", "version": "1.0.0"},
}


def commands(url: str, modules: Path) -> dict[str, list[str]]:
    """How each is run. `mcp-remote` is a stdio server, the other prints what was asked for."""
    remote = modules / "mcp-remote" / "dist" / "proxy.js"
    clients = modules / "@modelcontextprotocol" / "inspector" / "clients"
    ask = ["--transport", "http", "--method", "tools/list", "--format", "json"]
    return {
        "mcp-remote": [str(remote), url, "--transport", "http-only"],
        "inspector": [str(clients / "cli" / "build" / "index.js"), url, *ask],
    }


def free_port() -> int:
    """A port at which nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Run:
    """One run of a client."""

    def __init__(self, command: list[str], home: str, person: Person) -> None:
        self.person, self.said, self.logins = person, [], 0
        environment = os.environ | {
            "HOME": home,
            # No window opens for what is visited here, and no terminal is needed to be asked.
            "BROWSER": "true",
            "MCP_AUTO_OPEN_ENABLED": "true",
            # Its own port is always the same, and somebody else may be at it.
            "MCP_OAUTH_CALLBACK_URL": f"http://127.0.0.1:{free_port()}/oauth/callback",
            "MCP_INSPECTOR_SECRET_STORE": "file",
        }
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "MCPDEPLOY_TEST_PASSWORD"):
            environment.pop(name, None)
        self._process = subprocess.Popen(
            command,
            env=environment,
            cwd=home,
            text=True,
            # Stays open: the end of its input is the end of a stdio server.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def tools(self) -> list[str]:
        """The names of the tools that the client lists."""
        ends = threading.Timer(TIMEOUT_S, self._process.kill)
        ends.start()
        self._send(1, "initialize", INITIALIZE)
        try:
            for line in self._process.stdout:
                self.said.append(line)
                if found := AUTHORIZE.search(line):
                    self.logins += 1
                    log_in(found[0], self.person)
                elif line.startswith("{") and (tools := self._heard(line)) is not None:
                    return tools
        finally:
            ends.cancel()
            self._process.kill()
            self._process.wait()
        raise Unexpected("it listed no tools. It said:\n" + "".join(self.said))

    def _send(self, number: int | None, method: str, params: dict) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if number:
            message["id"] = number
        try:
            print(json.dumps(message), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            # It has ended, and what it said is the reason.
            pass

    def _heard(self, line: str) -> list[str] | None:
        try:
            message = json.loads(line)
        except ValueError:
            return None
        if message.get("id") == 1 and "result" in message:
            self._send(None, "notifications/initialized", {})
            self._send(2, "tools/list", {})
            return None
        tools = message.get("result", {}).get("tools")
        return None if tools is None else [tool["name"] for tool in tools]


def main() -> None:
    """Reads the command line, runs, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--user", required=True)
    parser.add_argument("--only", choices=("mcp-remote", "inspector"))
    given = parser.parse_args()
    installed = install.ensure()
    person = Person(given.user)
    found = {}
    for name, command in commands(given.url, Path(installed["modules"])).items():
        if given.only not in (None, name):
            continue
        with tempfile.TemporaryDirectory(prefix="cli-login-") as home:
            try:
                first = Run([installed["node"], *command], home, person)
                tools = first.tools()
                again = Run([installed["node"], *command], home, person)
                again.tools()
            except Unexpected as error:
                sys.exit(f"{name}: {error}")
            found[name] = {"tools": tools, "logins": first.logins + again.logins}
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
