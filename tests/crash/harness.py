#!/usr/bin/env python3
"""Kills mcpdeploy at every call of AWS's API, and looks at what is left by other means.

    harness.py BINARY BOOTSTRAP [--phase apply] [--mode before] [--step 1] [--jobs 2] [--login] [--json FILE]

BINARY is mcpdeploy, BOOTSTRAP an executable to deploy. Starts ministack, puts a proxy before it
that counts calls, and for each phase (apply, update, destroy), each mode and each number N: lets
the run come to its Nth call, then

    before  kills it (SIGKILL) and the call never arrives
    after   lets the call through, then kills it before the answer
    lost    lets the call through and drops the answer; the run itself goes on

and runs the same command again, undisturbed. After that the cloud, listed by boto3 and not by
mcpdeploy, has exactly what an undisturbed run leaves: nothing more (an orphan, a duplicate) and
nothing less; and `plan` finds nothing to do. Each case has an account and a folder of its own.

With --login, a login stands before the server. ministack's addresses are none that Cognito takes a
client's way back to, so each case has an embedded cloud of BINARY's instead of an account.

Exits 1 when any case failed. Needs what tests/emulators/install.py installs.
"""

import argparse
import collections
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

EMULATORS = Path(__file__).resolve().parent.parent / "emulators"
sys.path.insert(0, str(EMULATORS))
import install  # noqa: E402

PHASES = ("apply", "update", "destroy")
MODES = ("before", "after", "lost")
CONFIG = """\
[target]
type = "aws-lambda"
version = "1.0.0"

[aws]
region = "us-east-1"

[server]
name = "calculator"
binary = "{bootstrap}"
memory_mb = 256
timeout_seconds = 30

[auth]
{auth}

[observability]
create_dashboard = true

[observability.alarms]
error_threshold = 10
"""

# Nothing stays: a pool that is retained would be left for the next case to find.
LOGIN = """\
enabled = true
provider = "cognito"

[auth.cognito]
retain = false
"""


class Proxy(ThreadingHTTPServer):
    """Passes calls on to the emulator, until the one that matters."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, emulator: str, at: int = 0, mode: str = ""):
        super().__init__(("127.0.0.1", 0), Handler)
        self.emulator = urlsplit(emulator).netloc
        self.at, self.mode = at, mode
        self.calls = 0
        self.struck = ""
        self.victim = None
        self.counting = threading.Lock()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """Connections of a killed client end in the middle: that is what this is for."""

    def strike(self):
        if self.mode != "lost" and self.victim:
            self.victim.send_signal(signal.SIGKILL)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def forward(self):
        proxy = self.server
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        with proxy.counting:
            proxy.calls += 1
            mine = proxy.calls == proxy.at
        operation = self.headers.get("x-amz-target") or f"{self.command} {self.path.split('?')[0]}"
        if mine:
            proxy.struck = operation
        if mine and proxy.mode == "before":
            proxy.strike()
            return self.hang_up()
        upstream = http.client.HTTPConnection(proxy.emulator, timeout=60)
        try:
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        if mine:
            proxy.strike()
            return self.hang_up()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        return None

    def hang_up(self):
        self.close_connection = True
        self.connection.close()

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = forward


class Case:
    """One account, one folder."""

    numbers = iter(range(1, 1_000_000))
    numbering = threading.Lock()

    def __init__(self, options, emulator: str):
        with Case.numbering:
            self.account = f"{800_000_000_000 + next(Case.numbers):012}"
        self.options, self.emulator = options, emulator
        self.folder = tempfile.TemporaryDirectory(prefix="mcpdeploy-crash-")
        self.config = Path(self.folder.name) / ".pmcp/deploy.toml"
        self.config.parent.mkdir()
        auth = LOGIN if options.login else "enabled = false"
        self.config.write_text(CONFIG.format(bootstrap=options.bootstrap, auth=auth))
        if options.login:
            up = self.local("up", "--port", "0")
            self.emulator = re.search(r"http://\S+", up.stdout + up.stderr)[0]

    def local(self, *args: str) -> subprocess.CompletedProcess:
        """Starts or ends the embedded cloud of this case."""
        return subprocess.run(
            [self.options.binary, "local", *args, "--data", f"{self.folder.name}/cloud"],
            cwd=self.folder.name,
            env={"PATH": os.environ["PATH"], "HOME": self.folder.name},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )

    def environment(self, endpoint: str) -> dict:
        return {
            "PATH": os.environ["PATH"],
            "HOME": self.folder.name,
            "LANG": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": self.account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": endpoint,
            "MCPDEPLOY_NO_INPUT": "1",
        }

    def run(self, *args: str, proxy: Proxy | None = None) -> subprocess.CompletedProcess:
        endpoint = proxy.url if proxy else self.emulator
        child = subprocess.Popen(
            [self.options.binary, *args],
            cwd=self.folder.name,
            env=self.environment(endpoint),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if proxy:
            proxy.victim = child
        out, err = child.communicate(timeout=300)
        return subprocess.CompletedProcess(args, child.returncode, out, err)

    def must(self, *args: str) -> None:
        done = self.run(*args)
        if done.returncode != 0:
            raise Failed(f"{' '.join(args)} exits {done.returncode}: {(done.stderr or done.stdout)[-600:]}")

    def command(self, phase: str) -> list:
        return ["destroy", "--auto-approve"] if phase == "destroy" else ["apply", "--auto-approve"]

    def prepare(self, phase: str) -> None:
        """What is there before the phase."""
        if phase != "apply":
            self.must("apply", "--auto-approve")
        if phase == "update":
            text = self.config.read_text()
            self.config.write_text(text.replace("memory_mb = 256", "memory_mb = 512"))

    def inventory(self) -> dict:
        """Names of everything that the emulator has in this account."""
        python = install.ensure()
        done = subprocess.run(
            [str(python), str(EMULATORS / "inventory.py"), self.emulator],
            env=self.environment(self.emulator),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Failed(f"the inventory failed: {done.stderr[-600:]}")
        listed = json.loads(done.stdout)
        return {
            kind: sorted(json.dumps(shape(item), sort_keys=True) for item in items)
            for kind, items in listed.items()
        }

    def close(self) -> None:
        if self.options.login:
            self.local("down")
        self.folder.cleanup()


class Failed(Exception):
    pass


def shape(item: dict) -> dict:
    """What of a listed thing is the same in every run: its name, and how many parts it has."""
    parts = {key: len(value) for key, value in item.items() if isinstance(value, (list, dict))}
    return {"name": item["name"], **parts}


def reference(options, emulator: str, phase: str) -> tuple:
    """How many calls an undisturbed run makes, and what it leaves."""
    case = Case(options, emulator)
    proxy = Proxy(case.emulator)
    try:
        case.prepare(phase)
        done = case.run(*case.command(phase), proxy=proxy)
        if done.returncode != 0:
            raise SystemExit(f"{phase} fails undisturbed: {done.stderr[-2000:]}")
        return proxy.calls, case.inventory()
    finally:
        proxy.shutdown()
        proxy.server_close()
        case.close()


def judge(options, emulator: str, phase: str, mode: str, at: int, wanted: dict) -> dict:
    case = Case(options, emulator)
    proxy = Proxy(case.emulator, at, mode)
    row = {"phase": phase, "mode": mode, "call": at, "why": ""}
    try:
        case.prepare(phase)
        done = case.run(*case.command(phase), proxy=proxy)
        row["operation"] = proxy.struck
        killed = done.returncode == -signal.SIGKILL
        if not proxy.struck:
            row["operation"] = "(it was done before)"
        elif mode != "lost" and not killed:
            raise Failed(f"it was not killed, but exits {done.returncode}")
        elif mode == "lost" and done.returncode != 0:
            row["gave_up"] = done.stderr[-300:]
        case.must(*case.command(phase))
        left = case.inventory()
        for kind in wanted:
            if left[kind] != wanted[kind]:
                raise Failed(f"{kind}: {left[kind]}, and should be {wanted[kind]}")
        if phase != "destroy":
            case.must("plan", "--detailed-exitcode")
    except (Failed, subprocess.TimeoutExpired) as error:
        row["why"] = str(error)
    finally:
        proxy.shutdown()
        proxy.server_close()
        case.close()
    return row


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path)
    parser.add_argument("bootstrap", type=Path)
    parser.add_argument("--phase", action="append", choices=PHASES)
    parser.add_argument("--mode", action="append", choices=MODES)
    parser.add_argument("--step", type=int, default=1, help="every how manieth call (1: each)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--login", action="store_true", help="with a login before the server")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    options.binary, options.bootstrap = options.binary.resolve(), options.bootstrap.resolve()
    return options


def main() -> int:
    options = arguments()
    runner = subprocess.Popen(
        [sys.executable, str(EMULATORS / "run.py"), "ministack"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    emulator = json.loads(runner.stdout.readline())["endpoint"]
    started, rows, calls = time.monotonic(), [], {}
    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            running = []
            for phase in options.phase or PHASES:
                calls[phase], wanted = reference(options, emulator, phase)
                for mode in options.mode or MODES:
                    for at in range(1, calls[phase] + 1, options.step):
                        running.append(pool.submit(judge, options, emulator, phase, mode, at, wanted))
            for done in running:
                row = done.result()
                rows.append(row)
                if row["why"]:
                    print(f"FAIL {row['phase']} {row['mode']} {row['call']} {row['operation']}: {row['why']}", flush=True)
    finally:
        runner.stdin.close()
        runner.wait()
    counts = collections.Counter((row["phase"], row["mode"], bool(row["why"])) for row in rows)
    print(f"{'':10}{'calls':>8}" + "".join(f"{mode:>16}" for mode in MODES))
    for phase in calls:
        cells = [f"{counts[phase, mode, False]} ok, {counts[phase, mode, True]} not" for mode in MODES]
        print(f"{phase:10}{calls[phase]:8}" + "".join(f"{cell:>16}" for cell in cells))
    failed = sum(1 for row in rows if row["why"])
    print(f"{len(rows)} runs disturbed, {failed} not mended by the next, {time.monotonic() - started:.0f} s")
    if options.json:
        options.json.write_text(json.dumps({"calls": calls, "runs": rows}, indent=1) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
