#!/usr/bin/env python3
"""Builds mcpdeploy-runtime for Lambda's processors, into target/runtime/<processor>/, from where the
build of mcpdeploy takes it.

    static.py [PROCESSOR ...]      x86_64 and arm64 when none is named

`ring` has C in it, so each target needs a C compiler. It is Zig's, pinned, whatever the machine has:
the same source, Rust and Zig give the same bytes anywhere. `CC_<target>` (as the crate `cc` reads it)
takes another one. Needs nothing but Rust and Python's own library; Zig is installed under target/.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "target" / "tools"
OUTPUT = ROOT / "target" / "runtime"
# A folder of its own: other flags than a developer's builds have.
BUILD = ROOT / "target" / "runtime-build"
ZIG = "ziglang==0.17.0"
TARGETS = {
    "x86_64": ("x86_64-unknown-linux-musl", "x86_64-linux-musl"),
    "arm64": ("aarch64-unknown-linux-musl", "aarch64-linux-musl"),
}


def zig() -> Path:
    """The compiler, installed by the first who asks."""
    folder = TOOLS / "zig"
    stamp = folder / "stamp"
    python = folder / "venv" / "bin" / "python"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != ZIG:
            print(f"installing {ZIG}, once", file=sys.stderr)
            shutil.rmtree(folder / "venv", ignore_errors=True)
            venv.create(folder / "venv", with_pip=True)
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            subprocess.run([*pip, ZIG], check=True, stdout=sys.stderr, stdin=subprocess.DEVNULL)
            stamp.write_text(ZIG)
    where = "import ziglang, os; print(os.path.join(os.path.dirname(ziglang.__file__), 'zig'))"
    found = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True)
    return Path(found.stdout.strip())


def wrapper(name: str, text: str) -> Path:
    path = TOOLS / "zig" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def compiler(environment: dict[str, str], target: str, named: str) -> None:
    """Says which C compiler, archiver and linker the target has."""
    key = target.replace("-", "_")
    # Rust's own linker and start files: the same on any machine.
    environment.setdefault(f"CARGO_TARGET_{key.upper()}_LINKER", "rust-lld")
    if f"CC_{key}" in os.environ:
        return
    program = zig()
    # What Clang calls a target has another name there.
    drop = 'for a; do shift; case "$a" in --target=*) ;; *) set -- "$@" "$a" ;; esac; done'
    cc = wrapper(f"cc-{target}", f'{drop}\nexec "{program}" cc -target {named} "$@"')
    ar = wrapper("ar", f'exec "{program}" ar "$@"')
    environment[f"CC_{key}"] = str(cc)
    environment[f"AR_{key}"] = str(ar)
    environment["ZIG_GLOBAL_CACHE_DIR"] = str(TOOLS / "zig" / "cache")


def flags() -> str:
    """No path of this machine is in the result."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    return "\x1f".join([f"--remap-path-prefix={home}=/cargo", f"--remap-path-prefix={ROOT}=/mcpdeploy"])


def put(made: Path, there: Path) -> None:
    """Takes the place of the one before, whole, and only when it is another: else mcpdeploy would be
    built again for nothing."""
    if there.is_file() and there.read_bytes() == made.read_bytes():
        return
    there.parent.mkdir(parents=True, exist_ok=True)
    new = there.with_name(f".{there.name}.{os.getpid()}")
    shutil.copyfile(made, new)
    new.chmod(0o755)
    os.replace(new, there)


def digest(folder: Path) -> str:
    """What the program is made of, for the build of mcpdeploy, which warns of one that is older."""
    sha256 = lambda data: hashlib.sha256(data).hexdigest()
    files = [path for path in folder.rglob("*") if path.is_file()]
    lines = [f"{sha256(path.read_bytes())} {path.relative_to(folder).as_posix()}\n" for path in files]
    return sha256("".join(sorted(lines)).encode())


def main() -> None:
    processors = sys.argv[1:] or list(TARGETS)
    unknown = [name for name in processors if name not in TARGETS]
    if unknown:
        sys.exit(f"{', '.join(unknown)}: the processors are {', '.join(TARGETS)}")
    targets = [TARGETS[name] for name in processors]
    environment = {k: v for k, v in os.environ.items() if k not in ("RUSTFLAGS", "CARGO_BUILD_TARGET")}
    environment |= {"CARGO_TARGET_DIR": str(BUILD), "CARGO_ENCODED_RUSTFLAGS": flags()}
    for target, named in targets:
        compiler(environment, target, named)
    if shutil.which("rustup"):
        names = [target for target, _ in targets]
        subprocess.run(["rustup", "target", "add", *names], check=True, stdout=sys.stderr, cwd=ROOT)
    cargo = ["cargo", "build", "--locked", "--package", "mcpdeploy-runtime", "--profile", "runtime"]
    for target, _ in targets:
        cargo += ["--target", target]
    # Before the build: what changes meanwhile may not be in the program.
    source = digest(ROOT / "crates" / "mcpdeploy-runtime" / "src")
    subprocess.run(cargo, check=True, env=environment, cwd=ROOT)
    for processor, (target, _) in zip(processors, targets):
        put(BUILD / target / "runtime" / "mcpdeploy-runtime", OUTPUT / processor / "mcpdeploy-runtime")
        note = OUTPUT / processor / "source"
        if not note.is_file() or note.read_text() != source:
            note.write_text(source)


if __name__ == "__main__":
    main()
