#!/usr/bin/env python3
"""Installs MCP clients that nobody here wrote, pinned, under `target/`; says as JSON where they are.

Does so only when what is pinned or the interpreter changed, and once when several ask at the same
time. Needs npm (any that comes with Node 18 or newer) and nothing but Python's own library.
"""

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PINS = (
    "requirements.txt",
    "constraints.txt",
    "node/package.json",
    "node/package-lock.json",
    "node/.npmrc",
)
# What the suite needs.
OLDEST_NODE = 22


def home() -> Path:
    """Where everything lives; `MCPDEPLOY_CLIENTS` puts it elsewhere."""
    given = os.environ.get("MCPDEPLOY_CLIENTS")
    return Path(given).absolute() if given else ROOT / "target" / "clients"


def wanted() -> str:
    """What the installation must have been made from."""
    digest = hashlib.sha256(sys.version.encode())
    for name in PINS:
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()


def node(modules: Path) -> Path:
    """The Node of the lock file, or the machine's where none is published for this platform."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    locked = modules / f"node-{sys.platform}-{machine}" / "bin" / "node"
    if locked.is_file():
        return locked
    found = shutil.which("node")
    if not found:
        sys.exit(f"no Node here: install version {OLDEST_NODE} or newer")
    version = subprocess.run([found, "--version"], check=True, capture_output=True, text=True).stdout
    if int(re.sub(r"\D", " ", version).split()[0]) < OLDEST_NODE:
        sys.exit(f"{found} is {version.strip()}: version {OLDEST_NODE} or newer is needed")
    return Path(found)


def install(where: Path) -> None:
    """Makes both halves anew."""
    modules, environment = where / "node", where / "venv"
    shutil.rmtree(modules, ignore_errors=True)
    shutil.copytree(HERE / "node", modules, ignore=shutil.ignore_patterns("node_modules"))
    run = {"check": True, "stdout": sys.stderr, "stdin": subprocess.DEVNULL}
    # The npm at hand may be older than the packages want; it only unpacks them.
    subprocess.run(["npm", "ci", "--no-progress", "--loglevel=error"], cwd=modules, **run)

    shutil.rmtree(environment, ignore_errors=True)
    venv.create(environment, with_pip=True)
    pip = [environment / "bin" / "python", "-m", "pip", "install", "--quiet"]
    pins = ["-r", HERE / "requirements.txt", "-c", HERE / "constraints.txt"]
    subprocess.run([*pip, "--disable-pip-version-check", *pins], **run)


def ensure() -> dict[str, str]:
    """Installs where that is missing or out of date, and says where things are."""
    where = home()
    # Written last and removed first, so a stamp stands for a whole installation.
    stamp = where / "stamp"

    def fresh() -> bool:
        return stamp.is_file() and stamp.read_text() == wanted()

    if not fresh():
        where.mkdir(parents=True, exist_ok=True)
        with open(where / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not fresh():
                print("installing the MCP clients, once", file=sys.stderr)
                stamp.unlink(missing_ok=True)
                install(where)
                stamp.write_text(wanted())
    modules = where / "node" / "node_modules"
    suite = modules / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
    return {
        "node": str(node(modules)),
        "modules": str(modules),
        "conformance": str(suite),
        "python": str(where / "venv" / "bin" / "python"),
    }


if __name__ == "__main__":
    print(json.dumps(ensure(), indent=2))
