#!/usr/bin/env python3
"""Lets the official conformance suite judge the logins of a binary, and says as JSON what came of it.

    login.py BINARY [--era 2025-11-25|2026-07-28|all] [--only SCENARIO]

Prints one object: era → scenario → `{"outcome": "passed"|"failed"|"skipped"}`, and for a failed one the
names of the `checks` that failed; why they did goes to standard error. Judged are the client scenarios
`auth/*`, those of extensions as well. For each, the suite starts a server behind a login and runs this
script as the client (`login.py client URL`), which logs in with the binary and then tries the server
with it. Both open the login page with a browser that is this script, too (`login.py browser URL`).
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import install
from conformance import ERAS, Failure, judged, suite

HERE = Path(__file__).resolve()
# Of one scenario, which takes about a second.
SCENARIO_TIMEOUT_MS = 60_000
# The document that the suite knows its client by.
DOCUMENT = "https://conformance-test.local/client-metadata.json"


def browser(url: str) -> None:
    """The suite's login page asks nothing: it sends the browser straight back."""
    urllib.request.urlopen(url, timeout=30).read()


def client(url: str) -> int:
    """What a user does: logs in, then lists and calls the tools. Ends as the first that fails."""
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    binary = os.environ["LOGIN_BINARY"]
    with tempfile.TemporaryDirectory(prefix="logins-") as folder:
        show = f"{sys.executable} {HERE} browser"
        env = {**os.environ, "MCPDEPLOY_LOGINS": folder, "BROWSER": show}
        login = [binary, "--no-input", "login", url, "--wait", "20s"]
        if "issuer" in context:
            login += ["--issuer", context["issuer"], "--client-id", context["client_id"]]
            env["MCPDEPLOY_CLIENT_SECRET"] = context["client_secret"]
        else:
            login += ["--client-metadata", DOCUMENT]
        # Only what a well-behaved client sends: the suite's servers judge each message, too.
        test = [binary, "--no-input", "test", url, "--login", "always", "--call-tools", "all"]
        test += ["--only", "tools-list,tools-call"]
        for command in (login, test):
            done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL)
            if done.returncode != 0:
                return done.returncode
    return 0


def scenarios() -> list[str]:
    """The client scenarios of logins."""
    listed = suite(["list", "--client"], 60)
    return re.findall(r"^\s*- (auth/\S+)", listed, re.MULTILINE)


def run(scenario: str, era: str) -> dict:
    """One scenario on the wire of a revision."""
    command = shlex.join([sys.executable, str(HERE), "client"])
    with tempfile.TemporaryDirectory(prefix="login-") as results:
        what = ["--scenario", scenario, "--spec-version", era]
        limits = ["--timeout", str(SCENARIO_TIMEOUT_MS), "--output-dir", results]
        printed = suite(["client", "--command", command, *what, *limits], 120)
        if "SKIPPED: scenario" in printed:
            return {"outcome": "skipped"}
        found = sorted(Path(results).rglob("checks.json"))
        if not found:
            raise Failure(f"{scenario} left no report: {printed.strip()[-500:]}")
        checks = json.loads(found[0].read_text())
        outcome = judged(checks)
        # A SHOULD that was not followed counts here as well.
        warned = sorted({check["id"] for check in checks if check["status"] == "WARNING"})
        if warned:
            outcome = {"outcome": "failed", "checks": sorted({*outcome.get("checks", []), *warned})}
        if outcome["outcome"] == "failed":
            for check in checks:
                if check["status"] in ("FAILURE", "WARNING"):
                    why = check.get("errorMessage") or check["description"]
                    print(f"{era} {scenario}: {check['id']}: {why}", file=sys.stderr)
            said = (found[0].parent / "stderr.txt").read_text()
            print("\n".join(f"    {line}" for line in said.splitlines()), file=sys.stderr)
        return outcome


def main() -> None:
    """Reads the command line, judges, prints."""
    if sys.argv[1:2] == ["browser"]:
        return browser(sys.argv[-1])
    if sys.argv[1:2] == ["client"]:
        sys.exit(client(sys.argv[-1]))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--era", choices=[*ERAS, "all"], default="all")
    parser.add_argument("--only")
    given = parser.parse_args()
    os.environ["LOGIN_BINARY"] = str(Path(given.binary).absolute())
    eras = ERAS if given.era == "all" else (given.era,)
    try:
        install.ensure()
        names = [given.only] if given.only else scenarios()
        with ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
            runs = {(era, name): pool.submit(run, name, era) for era in eras for name in names}
            found = {era: {name: runs[era, name].result() for name in names} for era in eras}
    except Failure as failure:
        sys.exit(f"failed to judge the logins: {failure}")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
