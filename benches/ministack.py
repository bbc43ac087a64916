#!/usr/bin/env python3
"""Deploys the calculator to ministack, beside a hand-written parallel script of the same calls.

    ministack.py [--runs 5] [--binary target/release/mcpdeploy]

Both in turn, each round on a fresh emulator; prints medians and the ratio pair by pair. The figures
of other tools for a function, an API and a role there: plain boto3 0.65 s, CDK 5.8 s and 5.1 s for a
second deployment without changes.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/emulators"))
import install  # noqa: E402


class Ministack:
    """An emulator that ends with this object."""

    def __enter__(self) -> str:
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "tests/emulators/run.py", "ministack"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return json.loads(self.process.stdout.readline())["endpoint"]

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def timed(command: list, **options) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, **options)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/mcpdeploy")
    options = parser.parse_args()
    binary = options.binary.resolve()
    python = install.ensure()
    env = {
        **{key: os.environ[key] for key in ("PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME") if key in os.environ},
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "CARGO_TARGET_DIR": str(ROOT / "target/fixtures"),
    }
    ours, plans, updates, destroys, script, ratios = [], [], [], [], [], []
    with tempfile.TemporaryDirectory() as work:
        project = Path(work) / "calculator"
        shutil.copytree(ROOT / "fixtures/calculator", project, ignore=shutil.ignore_patterns("target", "build", "deployments"))
        subprocess.run([binary, "build"], cwd=project, env=env, check=True, capture_output=True)
        artifact = project / ".pmcp/build/default/bootstrap.zip"
        config = project / ".pmcp/deploy.toml"
        original = config.read_text()
        for _ in range(options.runs):
            with Ministack() as endpoint:
                here = {**env, "AWS_ENDPOINT_URL": endpoint}
                out = subprocess.run(
                    [python, ROOT / "benches/boto3_apply.py", "--endpoint", endpoint, "--zip", artifact],
                    env=here, check=True, capture_output=True, text=True,
                ).stdout
                script.append(json.loads(out.splitlines()[-1])["wall_ms"] / 1000)
            with Ministack() as endpoint:
                here = {**env, "AWS_ENDPOINT_URL": endpoint}
                ours.append(timed([binary, "apply", "--auto-approve"], cwd=project, env=here))
                plans.append(timed([binary, "plan"], cwd=project, env=here))
                config.write_text(original.replace("memory_mb = 256", "memory_mb = 512"))
                updates.append(timed([binary, "apply", "--auto-approve"], cwd=project, env=here))
                config.write_text(original)
                destroys.append(timed([binary, "destroy", "--auto-approve"], cwd=project, env=here))
                shutil.rmtree(project / ".pmcp/deployments")
            ratios.append(ours[-1] / script[-1])

    def row(name: str, values: list, unit: str = "s") -> None:
        print(f"{name:44} {statistics.median(values):7.3f} {unit} ({min(values):.3f}-{max(values):.3f})")

    print(f"the calculator's stack on ministack, {options.runs} rounds, medians (min-max)")
    row("the script: its calls alone", script)
    row("mcpdeploy apply: the whole process", ours)
    row("ratio, pair by pair", ratios, "x")
    row("mcpdeploy plan without changes", plans)
    row("mcpdeploy apply of a change of memory", updates)
    row("mcpdeploy destroy", destroys)


if __name__ == "__main__":
    main()
