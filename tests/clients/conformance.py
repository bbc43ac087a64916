#!/usr/bin/env python3
"""Lets the official conformance suite judge a server, and says as JSON what came of each scenario.

    conformance.py URL [--era 2025-11-25|2026-07-28|all] [--timeout SECONDS]

Prints one object: era → scenario → `{"outcome": "passed"|"failed"|"skipped"}`, and for a failed one
the names of the `checks` that failed; why they did goes to standard error. An era is what the suite
calls a requirement set, run on the wire of that revision; scenarios that are on no revision's wire
(extensions) are run with the newest. Ends with 0 when the suite ran to its end, whatever it found.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import install

ERAS = ("2025-11-25", "2026-07-28")
# Every scenario checks the wire's schema too; a scenario that checked nothing else checked nothing.
ASIDE = "wire-schema-valid"
# Of one scenario. The suite's own default; the longest takes about five seconds.
SCENARIO_TIMEOUT_MS = 30_000


class Failure(Exception):
    """Why the suite gave no verdict."""


def suite(arguments: list[str], timeout: float) -> str:
    """Runs the suite and returns what it printed. It ends with 1 when a check failed."""
    where = install.ensure()
    command = [where["node"], where["conformance"], *arguments]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise Failure(f"the suite did not end within {timeout} s: {arguments}") from error
    if done.returncode not in (0, 1):
        raise Failure(f"the suite ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def extensions() -> list[str]:
    """The server scenarios that are on no revision's wire and in no requirement set."""
    listed = suite(["list", "--server"], 60)
    required = "\n".join(suite(["list", "--requirements", era], 60) for era in ERAS)
    tagged = re.findall(r"^\s*- (\S+) \[extension\]", listed, re.MULTILINE)
    return [name for name in tagged if not re.search(rf"- {re.escape(name)}\b", required)]


def judged(checks: list[dict]) -> dict:
    """The outcome of a scenario by its checks, as the suite itself counts them."""
    failed = sorted({check["id"] for check in checks if check["status"] == "FAILURE"})
    if failed:
        return {"outcome": "failed", "checks": failed}
    passed = any(check["status"] == "SUCCESS" and check["id"] != ASIDE for check in checks)
    return {"outcome": "passed" if passed else "skipped"}


def run(url: str, what: list[str], timeout: float) -> dict[str, dict]:
    """One run of the suite: scenario → outcome."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as results:
        limits = ["--timeout", str(SCENARIO_TIMEOUT_MS), "--output-dir", results]
        printed = suite(["server", "--url", url, *what, *limits], timeout)
        outcomes = {}
        for report in sorted(Path(results).glob("server-*/checks.json")):
            # Its folder is `server-<scenario>-<time>`.
            name = re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z$", "", report.parent.name.removeprefix("server-"))
            checks = json.loads(report.read_text())
            outcomes[name] = judged(checks)
            for check in checks:
                if check["status"] == "FAILURE":
                    print(f"{name}: {check['id']}: {check.get('errorMessage')}", file=sys.stderr)
    # A scenario that ran out of time, or threw, has left no report.
    for name in re.findall(r"^=== Running scenario: (\S+) ===$", printed, re.MULTILINE):
        if name not in outcomes:
            print(f"{name}: ended without a report", file=sys.stderr)
            outcomes[name] = {"outcome": "failed", "checks": [name]}
    if not outcomes:
        raise Failure(f"the suite ran nothing: {printed.strip()[-500:]}")
    return outcomes


def era(url: str, revision: str, timeout: float) -> dict[str, dict]:
    """What the suite says of an era: its requirement set, and with the newest the extensions."""
    runs = [["--requirements", revision]]
    if revision == ERAS[-1]:
        runs += [["--scenario", name] for name in extensions()]
    with ThreadPoolExecutor(len(runs)) as pool:
        outcomes = pool.map(lambda what: run(url, what, timeout), runs)
        return dict(sorted(pair for found in outcomes for pair in found.items()))


def reachable(url: str) -> None:
    """Any answer will do: a server without sessions refuses a GET."""
    try:
        urllib.request.urlopen(url, timeout=30).close()
    except urllib.error.HTTPError:
        pass
    except OSError as error:
        raise Failure(f"{url} does not answer: {error}") from error


def main() -> None:
    """Reads the command line, judges, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--era", choices=[*ERAS, "all"], default="all")
    parser.add_argument("--timeout", type=float, default=300, help="seconds, of one run of the suite")
    given = parser.parse_args()
    eras = ERAS if given.era == "all" else (given.era,)
    try:
        reachable(given.url)
        install.ensure()
        with ThreadPoolExecutor(len(eras)) as pool:
            found = list(pool.map(lambda name: era(given.url, name, given.timeout), eras))
    except Failure as failure:
        sys.exit(f"failed to judge the server: {failure}")
    print(json.dumps(dict(zip(eras, found)), indent=2))


if __name__ == "__main__":
    main()
