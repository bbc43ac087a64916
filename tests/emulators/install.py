#!/usr/bin/env python3
"""Installs the emulators, pinned, into a virtual environment under `target/`; prints its python.

Does so only when the requirements or the interpreter changed, and once when several ask at the
same time. Needs nothing but Python's own library.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def home() -> Path:
    """Where the environment lives; `MCPDEPLOY_EMULATOR_VENV` puts it elsewhere."""
    given = os.environ.get("MCPDEPLOY_EMULATOR_VENV")
    return Path(given) if given else ROOT / "target" / "emulators" / "venv"


def wanted() -> str:
    """What the environment must have been made from."""
    digest = hashlib.sha256(sys.version.encode())
    for name in ("requirements.txt", "constraints.txt"):
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()


def ensure() -> Path:
    """Makes the environment where it is missing or out of date, and returns its python."""
    where = home()
    python = where / "bin" / "python"
    # Written last and removed first, so a stamp stands for a whole environment.
    stamp = where / "stamp"

    def fresh() -> bool:
        return stamp.is_file() and stamp.read_text() == wanted()

    if fresh():
        return python
    where.parent.mkdir(parents=True, exist_ok=True)
    with open(where.parent / f"{where.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if fresh():
            return python
        print("installing the emulators, once", file=sys.stderr)
        stamp.unlink(missing_ok=True)
        shutil.rmtree(where, ignore_errors=True)
        venv.create(where, with_pip=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pins = ["-r", HERE / "requirements.txt", "-c", HERE / "constraints.txt"]
        subprocess.run([*pip, *pins], check=True, stdout=sys.stderr, stdin=subprocess.DEVNULL)
        stamp.write_text(wanted())
    return python


if __name__ == "__main__":
    print(ensure())
