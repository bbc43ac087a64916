#!/usr/bin/env python3
"""Whole-process figures of the release binary, beside those of other tools on the same graph.

    process.py [--resources 5000] [--runs 5] [--binary target/release/mcpdeploy]

Terraform's figures (1.9, the same graph of 5,000 `terraform_data` resources in chains of three, on a
machine with 2 cores): apply 533 s, plan without changes 8.7 s, 666 MB at the peak.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TERRAFORM = {"apply": 533.0, "plan": 8.7, "peak_mb": 666.0}


def config(count: int) -> str:
    """Resources in chains of three, each referring to the one before."""
    parts = ['[target]\ntype = "resources"\nname = "bench"\n']
    for index in range(count):
        chain, place = divmod(index, 3)
        value = f'"v{chain}"' if place == 0 else f'"${{mcpdeploy.data.n{index - 1}.value}}-{place}"'
        parts.append(
            f'[[resources]]\nkind = "mcpdeploy.data"\nname = "n{index}"\ninputs = {{ value = {value} }}\n'
        )
    return "\n".join(parts)


def run(binary: Path, folder: Path, *arguments: str) -> tuple[float, float]:
    """Wall seconds and peak memory in MB of one run."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [binary, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = _wait(process)
    wall = time.perf_counter() - start
    if status != 0:
        raise SystemExit(f"{arguments} failed with {status}")
    return wall, usage.ru_maxrss / 1024


def _wait(process):
    import os

    pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return pid, process.returncode, usage


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--resources", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/mcpdeploy")
    options = parser.parse_args()
    binary = options.binary.resolve()
    rows: dict[str, list[tuple[float, float]]] = {"apply": [], "plan": [], "destroy": [], "version": []}
    size = 0
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            (path / ".pmcp").mkdir()
            (path / ".pmcp/deploy.toml").write_text(config(options.resources))
            rows["apply"].append(run(binary, path, "apply", "--auto-approve"))
            rows["plan"].append(run(binary, path, "plan"))
            size = (path / ".pmcp/deployments/default/state.json").stat().st_size
            rows["destroy"].append(run(binary, path, "destroy", "--auto-approve"))
            rows["version"].append(run(binary, path, "version"))
    print(f"{options.resources} mcpdeploy.data in chains of three, {options.runs} runs, medians (min-max)")
    print(f"state {size / 1e6:.1f} MB")
    for name, runs in rows.items():
        walls = [wall for wall, _ in runs]
        peak = max(memory for _, memory in runs)
        line = f"{name:8} {statistics.median(walls):8.3f} s ({min(walls):.3f}-{max(walls):.3f})  peak {peak:6.1f} MB"
        if name in TERRAFORM and options.resources == 5000:
            line += f"   Terraform {TERRAFORM[name]:6.1f} s: {TERRAFORM[name] / statistics.median(walls):6.0f} times"
        print(line)
    print(json.dumps({name: statistics.median(w for w, _ in runs) for name, runs in rows.items()}))


if __name__ == "__main__":
    main()
