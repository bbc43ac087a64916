#!/usr/bin/env python3
"""How time and memory grow with the number of resources: whole processes of the release binary.

    scale.py [--sizes 1000,2000,…] [--runs 3] [--binary target/release/mcpdeploy] [--record]

`mcpdeploy.data` resources, half of them with references: in each hundred, 25 in a chain and 25 that
all refer to one. For each size: apply, a plan without changes (also without reading the cloud), an
apply that changes one resource, and destroy; wall time, processor time and peak memory, medians of
the runs. With --record, the figures go to benches/data/scale.json, and docs/scale.svg is drawn anew.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from datetime import date
from pathlib import Path

import scale_plot

ROOT = Path(__file__).resolve().parent.parent
SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
#: What 20,000 resources may take: seconds, and MB at the peak of any command.
WANTED = {"apply": 40.0, "plan": 2.0, "peak_mb": 500.0}


def value(index: int) -> str:
    """The value of a resource, as TOML: with a reference or without."""
    place = index % 100
    if place < 50:
        return f'"v{index}"'
    # A chain of 25 after the first of the hundred, then 25 that all refer to that one.
    before = index - 1 if 50 < place < 75 else index - place
    return f'"${{mcpdeploy.data.n{before}.value}}-{place % 7}"'


def config(count: int) -> str:
    parts = ['[target]\ntype = "resources"\nname = "bench"\n']
    for index in range(count):
        parts.append(
            f'[[resources]]\nkind = "mcpdeploy.data"\nname = "n{index}"\ninputs = {{ value = {value(index)} }}\n'
        )
    return "\n".join(parts)


def run(binary: Path, folder: Path, *arguments: str, wanted: int = 0) -> dict:
    """What a run took."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            [binary, *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != wanted:
            said.seek(0)
            raise SystemExit(f"{arguments} ended with {process.returncode}\n{said.read().decode()[-2000:]}")
    return {
        "wall_s": round(wall, 4),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 4),
        "peak_mb": round(usage.ru_maxrss / 1024, 1),
    }


def measure(binary: Path, count: int) -> dict:
    """One round of every command on so many resources."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        (folder / ".pmcp").mkdir()
        file = folder / ".pmcp/deploy.toml"
        text = config(count)
        file.write_text(text)
        figures = {"apply": run(binary, folder, "apply", "--auto-approve")}
        # It would end with 2 when there was something to change.
        figures["plan"] = run(binary, folder, "plan", "--detailed-exitcode")
        figures["plan_without_reading"] = run(binary, folder, "plan", "--detailed-exitcode", "--refresh=false")
        state = folder / ".pmcp/deployments/default/state.json"
        held = json.loads(state.read_text())["resources"]
        if len(held) != count:
            raise SystemExit(f"{len(held)} resources in the state instead of {count}")
        size = state.stat().st_size
        # The last but one of the file: nothing refers to it.
        last = f'"v{count - 51}"'
        file.write_text(text.replace(last, '"changed"'))
        run(binary, folder, "plan", "--detailed-exitcode", wanted=2)
        figures["change_one"] = run(binary, folder, "apply", "--auto-approve")
        figures["destroy"] = run(binary, folder, "destroy", "--auto-approve")
        return {"state_bytes": size, **figures}


def medians(rounds: list[dict]) -> dict:
    """Each figure's median."""
    first = rounds[0]
    if isinstance(first, dict):
        return {key: medians([one[key] for one in rounds]) for key in first}
    return statistics.median(rounds)


def machine() -> dict:
    """Where it was measured."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {"processor": model, "cores": os.cpu_count(), "system": f"{platform.system()} {platform.machine()}"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/mcpdeploy")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    binary = options.binary.resolve()
    sizes = [int(size) for size in options.sizes.split(",")]
    commands = ("apply", "plan", "plan_without_reading", "change_one", "destroy")
    print(f"mcpdeploy.data, half of them with references; seconds, medians of {options.runs}")
    print(f"{'resources':>9}" + "".join(f"{name:>22}" for name in commands) + f"{'peak':>10}{'state':>10}")
    points = []
    for size in sizes:
        point = {"resources": size, **medians([measure(binary, size) for _ in range(options.runs)])}
        points.append(point)
        peak = max(point[name]["peak_mb"] for name in commands)
        row = "".join(f"{point[name]['wall_s']:>22.3f}" for name in commands)
        print(f"{size:>9}{row}{peak:>7.0f} MB{point['state_bytes'] / 1e6:>7.1f} MB", flush=True)
        if size == 20_000:
            got = {"apply": point["apply"]["wall_s"], "plan": point["plan"]["wall_s"], "peak_mb": peak}
            for name, most in WANTED.items():
                verdict = "well" if got[name] < most else "TOO MUCH"
                print(f"{'':>9}   {name}: {got[name]:.2f}, wanted under {most:g}: {verdict}")
    if options.record:
        version = subprocess.run([binary, "version"], capture_output=True, text=True, check=True).stdout.split()[1]
        record = {
            "measured": {"on": date.today().isoformat(), "mcpdeploy": version, "runs": options.runs, **machine()},
            "points": points,
        }
        data = ROOT / "benches/data/scale.json"
        data.parent.mkdir(exist_ok=True)
        data.write_text(json.dumps(record, indent=1) + "\n")
        scale_plot.draw()


if __name__ == "__main__":
    main()
