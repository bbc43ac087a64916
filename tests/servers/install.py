#!/usr/bin/env python3
"""Installs MCP servers that nobody here wrote, pinned, under `target/`; prints where the folder of their
static executables is.

Each is a Go program in a wheel, published for anybody's desktop: no line of it knows Lambda. Does so only
when the pins or the interpreter changed, and once when several ask at the same time.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
WHERE = HERE.parent.parent / "target" / "servers"
# In the wheels.
PROGRAMS = ("mcp_grafana/bin/mcp-grafana",)


def ensure() -> Path:
    """Installs them where they are missing or out of date, and returns their folder."""
    pins = HERE / "requirements.txt"
    wanted = hashlib.sha256(sys.version.encode() + pins.read_bytes()).hexdigest()
    stamp, programs = WHERE / "stamp", WHERE / "bin"
    WHERE.mkdir(parents=True, exist_ok=True)
    with open(WHERE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_text() == wanted:
            return programs
        print("installing the servers, once", file=sys.stderr)
        stamp.unlink(missing_ok=True)
        for folder in ("venv", "wheels", "bin"):
            shutil.rmtree(WHERE / folder, ignore_errors=True)
        venv.create(WHERE / "venv", with_pip=True)
        pip = [WHERE / "venv" / "bin" / "python", "-m", "pip", "install", "--quiet"]
        into = ["--disable-pip-version-check", "--no-deps", "--target", WHERE / "wheels", "-r", pins]
        subprocess.run([*pip, *into], check=True, stdout=sys.stderr, stdin=subprocess.DEVNULL)
        programs.mkdir()
        for program in PROGRAMS:
            copy = programs / Path(program).name
            shutil.copyfile(WHERE / "wheels" / program, copy)
            copy.chmod(0o755)
        stamp.write_text(wanted)
    return programs


if __name__ == "__main__":
    print(ensure())
