#!/usr/bin/env python3
"""Deploys the calculator to the embedded cloud, its program built beforehand.

    local.py [--runs 10] [--binary target/release/mcpdeploy] [--no-ministack]

Whole processes, in turn, each round on clean data: `--local apply` when no cloud runs (it starts
one), when one runs (`local up` was before), and the same apply on a fresh ministack. After each, a
plan that must find nothing to change, and `destroy`. Prints medians and 90th percentiles.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from ministack import ROOT, Ministack


class Project:
    """A copy of the calculator, built."""

    def __init__(self, binary: Path, folder: Path):
        self.binary = binary
        self.folder = folder
        kept = ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME")
        self.env = {
            **{key: os.environ[key] for key in kept if key in os.environ},
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "CARGO_TARGET_DIR": str(ROOT / "target/fixtures"),
        }
        ignored = shutil.ignore_patterns("target", "build", "deployments", "local")
        shutil.copytree(ROOT / "fixtures/calculator", folder, ignore=ignored)
        self.run("build")

    def run(self, *arguments: str, wanted: int = 0, **env: str) -> float:
        """Wall seconds of a command that ends with the wanted code."""
        start = time.perf_counter()
        done = subprocess.run(
            [self.binary, *arguments],
            cwd=self.folder, env={**self.env, **env}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )
        wall = time.perf_counter() - start
        if done.returncode != wanted:
            raise SystemExit(f"{arguments} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        return wall

    def clean(self) -> None:
        for name in ("deployments", "local"):
            shutil.rmtree(self.folder / ".pmcp" / name, ignore_errors=True)


def deploy(project: Project, rows: dict, name: str, *options: str, **env: str) -> None:
    """Apply, a plan without changes, and destroy, into rows of this name."""
    for command, arguments in (
        ("apply", ("apply", "--auto-approve")),
        # It ends with 2 when there is something to change.
        ("plan", ("plan", "--detailed-exitcode")),
        ("destroy", ("destroy", "--auto-approve")),
    ):
        rows.setdefault(f"{name}: {command}", []).append(project.run(*options, *arguments, **env))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/mcpdeploy")
    parser.add_argument("--no-ministack", action="store_true")
    options = parser.parse_args()
    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as work:
        project = Project(options.binary.resolve(), Path(work) / "calculator")
        for _ in range(options.runs):
            for up in (False, True):
                if up:
                    project.run("local", "up")
                try:
                    deploy(project, rows, "cloud runs" if up else "no cloud runs", "--local")
                finally:
                    project.run("local", "down")
                project.clean()
            if not options.no_ministack:
                with Ministack() as endpoint:
                    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
                    deploy(project, rows, "ministack", AWS_ENDPOINT_URL=endpoint, **keys)
                project.clean()
    print(f"the calculator's stack, whole processes, {options.runs} rounds")
    for name, walls in rows.items():
        median = statistics.median(walls)
        ninth = statistics.quantiles(walls, n=10, method="inclusive")[8] if len(walls) > 1 else median
        print(f"{name:24} median {median:6.3f} s   p90 {ninth:6.3f} s   ({min(walls):.3f}-{max(walls):.3f})")


if __name__ == "__main__":
    main()
