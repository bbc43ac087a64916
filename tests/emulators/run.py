#!/usr/bin/env python3
"""Runs one emulator of AWS on a free loopback port, for as long as stdin stays open.

    run.py ministack|moto
    run.py embedded PROGRAM     our own embedded cloud; PROGRAM is mcpdeploy

Prints one JSON line, `{"endpoint": …, "pid": …, "log": …}`, when the emulator answers. When stdin
closes, or SIGTERM, SIGINT or SIGHUP comes, ends the emulator with every process that it left
behind (ministack's function bootstraps outlive it) and removes its files. So whoever holds the
other end of stdin may die in any way and leaves nothing running.
"""

import ctypes
import fcntl
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import install

# Below the range from which systems take the ports of outgoing connections.
PORTS = range(20_000, 32_000)
START_WITHIN = 60
END_WITHIN = 5
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def prctl(option: int, value: int) -> None:
    """Linux's prctl; where there is none, sessions and process groups have to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def free_port():
    """A port that nothing listens on, and the lock that keeps other runs from choosing it too."""
    folder = Path(tempfile.gettempdir()) / f"mcpdeploy-emulator-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for port in random.sample(PORTS, 200):
        lock = open(folder / str(port), "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
            return port, lock
        except OSError:
            lock.close()
    raise SystemExit("no free port found")


def command(name: str, program: str | None, port: int, folder: Path):
    """What to start, with which environment, and the path that answers when it is ready."""
    endpoint = f"http://127.0.0.1:{port}"
    # Hermetic: neither the user's AWS settings nor a proxy reach the emulator.
    env = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    env |= {"TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    if name == "embedded" and program:
        arguments = [program, "local", "up", "--foreground", "-v", "--port", str(port), "--data", str(folder / "data")]
        return arguments, env, f"{endpoint}/_mcpdeploy/health"
    python = str(install.ensure())
    if name == "ministack":
        env |= {
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "localhost",
            "GATEWAY_PORT": str(port),
            "STATE_DIR": str(folder / "state"),
            "S3_DATA_DIR": str(folder / "s3"),
            "AWS_ENDPOINT_URL": endpoint,
            # Would listen on a fixed port of every interface.
            "IOT_MTLS_ENABLED": "0",
        }
        start = "from ministack.app import main; main()"
        return [python, "-c", start], env, f"{endpoint}/_ministack/health"
    if name == "moto":
        env["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        start = "from moto.server import main; main()"
        return [python, "-c", start, "-H", "127.0.0.1", "-p", str(port)], env, f"{endpoint}/moto-api/data.json"
    raise SystemExit(f"no emulator is called {name}: ministack, moto and (with a program) embedded are")


def answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def descendants() -> list[int]:
    """Everything below this process: as subreaper, it inherits what the emulator orphans."""
    if sys.platform != "linux":
        return []
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The command stands in parentheses and may hold anything.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [os.getpid()]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def end(process: subprocess.Popen) -> None:
    """Ends the emulator and whatever it started, at once: nothing of it is to be kept."""
    if sys.platform != "linux":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.kill()
    process.wait()
    # Killing may orphan more, so look until nothing is left.
    deadline = time.monotonic() + END_WITHIN
    while (left := descendants()) and time.monotonic() < deadline:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


class Stopped(Exception):
    """A signal asked us to stop."""


def stop(*_) -> None:
    raise Stopped


def main(name: str, program: str | None) -> int:
    # Out of the caller's group: what kills that group at once must not kill the one who cleans up.
    if os.getpid() != os.getpgid(0):
        os.setsid()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    port, lock = free_port()
    folder = Path(tempfile.mkdtemp(prefix=f"mcpdeploy-{name}-"))
    log_path = folder / "log"
    process = None
    try:
        arguments, env, health = command(name, program, port, folder)
        with open(log_path, "wb") as log:
            process = subprocess.Popen(
                arguments,
                env=env,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
            )
        deadline = time.monotonic() + START_WITHIN
        while not answers(health):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.stderr.write(log_path.read_text(errors="replace")[-4000:])
                print(f"{name} did not start", file=sys.stderr)
                return 1
            time.sleep(0.01)
        endpoint = f"http://127.0.0.1:{port}"
        print(json.dumps({"endpoint": endpoint, "pid": process.pid, "log": str(log_path)}), flush=True)
        while process.poll() is None:
            readable, _, _ = select.select([sys.stdin], [], [], 0.5)
            if readable and not os.read(sys.stdin.fileno(), 4096):
                return 0
        sys.stderr.write(log_path.read_text(errors="replace")[-4000:])
        print(f"{name} ended by itself", file=sys.stderr)
        return 1
    except Stopped:
        return 0
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if process:
            end(process)
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else None))
