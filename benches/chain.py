#!/usr/bin/env python3
"""The wall time of an apply, beside the longest chain of its calls.

    chain.py [--latencies 40ms/200ms,60ms/400ms,100ms/900ms] [--propagation 6s] [--pending 2s]
             [--runs 1] [--binary target/release/mcpdeploy]

The calculator's stack on the embedded cloud with `local up --latency --iam-propagation --pending`:
apply, apply of a change of memory, destroy; whole processes. What a run plans, with which edges, it
says itself (`--json`); what was called, the cloud says (its door `watch`). The longest chain goes
through the plan's edges, each step with the time that nobody could spare: CALLS below has the calls
that it makes one after another, and a new role and a changed function take as long as the cloud is
told. Before the first step there are two calls that read: whose account it is, and what is there.
Not in it are the process itself, waiting for anything else, and that answers are polled for. A step
that makes another number of changing calls than it has here makes the bench fail.
"""

import argparse
import json
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from local import Project, ROOT

#: How many times the longest chain an apply may take.
WANTED = 1.10
#: Calls before the first step, one after the other: the account, and what is there.
LOOKS = 2
#: Of each kind and operation, the changing calls: how many at once, one group after the other.
CALLS = {
    ("aws.logs.log_group", "create"): (1, 1),
    ("aws.iam.role", "create"): (1, 2),
    ("aws.lambda.function", "create"): (1,),
    ("aws.lambda.function", "update"): (1,),
    ("aws.lambda.version", "create"): (1,),
    ("aws.lambda.alias", "create"): (1,),
    ("aws.lambda.alias", "update"): (1,),
    ("aws.lambda.permission", "create"): (1,),
    ("aws.apigatewayv2.api", "create"): (1,),
    ("aws.apigatewayv2.integration", "create"): (1,),
    ("aws.apigatewayv2.route", "create"): (1,),
    ("aws.apigatewayv2.stage", "create"): (1,),
    ("aws.cloudwatch.alarm", "create"): (1,),
    ("aws.cloudwatch.dashboard", "create"): (1,),
    ("aws.iam.role", "delete"): (2, 1),
}
#: Steps that read first: an alarm is put whether it is there or not, and a role's policies are
#: listed before they are removed.
READS = {("aws.cloudwatch.alarm", "create"), ("aws.iam.role", "delete")}
#: After these, Lambda keeps the function or the version pending.
PENDING = {
    ("aws.lambda.function", "create"),
    ("aws.lambda.function", "update"),
    ("aws.lambda.version", "create"),
}
#: Reading operations begin with these.
READING = ("Get", "List", "Describe", "Head")


class Weather:
    """How slow the cloud is, in seconds."""

    def __init__(self, latency: str, propagation: str, pending: str):
        self.options = ("--latency", latency, "--iam-propagation", propagation, "--pending", pending)
        self.read, self.write = (seconds(part) for part in latency.split("/"))
        self.propagation, self.pending = seconds(propagation), seconds(pending)


def seconds(text: str) -> float:
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text.removesuffix("s"))


class Watched:
    """The calls that the cloud answers, from now on."""

    def __init__(self, project: Project):
        running = json.loads((project.folder / ".pmcp/local/cloud/running.json").read_text())
        request = urllib.request.Request(
            running["endpoint"] + "/_mcpdeploy/watch", headers={"x-mcpdeploy-token": running["token"]}
        )
        self.calls: list[dict] = []
        self.answer = urllib.request.urlopen(request)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for line in self.answer:
            seen = json.loads(line)
            if seen["seen"] == "call":
                self.calls.append(seen)

    def take(self) -> list[dict]:
        """The calls since the last time; the last answers may still be on their way."""
        time.sleep(0.3)
        calls, self.calls = self.calls, []
        return calls


def kind_and_op(step: dict) -> tuple[str, str]:
    op = step["op"]
    return step["address"].rsplit(".", 1)[0], op if isinstance(op, str) else next(iter(op))


def longest_chain(steps: list[dict], weather: Weather) -> tuple[float, list[str]]:
    """Seconds of the longest chain, and the addresses along it."""
    ends: list[float] = []
    through: list[int | None] = []
    role, role_made = None, 0.0
    for index, step in enumerate(steps):
        what = kind_and_op(step)
        last = max(step.get("after", []), key=lambda before: ends[before], default=None)
        start = LOOKS * weather.read if last is None else ends[last]
        end = start + len(CALLS.get(what, (1,))) * weather.write + (weather.read if what in READS else 0)
        if what == ("aws.iam.role", "create"):
            role, role_made = index, start + weather.write
        if what == ("aws.lambda.function", "create") and end < role_made + weather.propagation:
            last, end = role, role_made + weather.propagation
        if what in PENDING:
            end += weather.pending
        ends.append(end)
        through.append(last)
    at: int | None = max(range(len(steps)), key=lambda index: ends[index])
    total, way = ends[at], []
    while at is not None:
        way.append(steps[at]["address"])
        at = through[at]
    return total, way[::-1]


def run(project: Project, watched: Watched, weather: Weather, *arguments: str) -> dict:
    """One command, beside its longest chain."""
    watched.take()
    start = time.perf_counter()
    done = subprocess.run(
        [project.binary, "--local", *arguments, "--json"],
        cwd=project.folder, env=project.env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )
    wall = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(f"{arguments} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    steps = next(event["plan"]["steps"] for event in events if event["event"] == "planned")
    chain, way = longest_chain(steps, weather)
    calls = watched.take()
    changes = [call for call in calls if not call["operation"].startswith(READING)]
    well = [call for call in changes if call["status"] < 300]
    wanted = sum(sum(CALLS.get(kind_and_op(step), (1,))) for step in steps)
    if len(well) != wanted:
        names = sorted(call["operation"] for call in well)
        raise SystemExit(f"{arguments}: {len(well)} changing calls instead of {wanted}: {names}")
    return {
        "wall_s": wall,
        "chain_s": chain,
        "ratio": wall / chain,
        "way": way,
        "changes": len(well),
        "refused": len(changes) - len(well),
        "reads": len(calls) - len(changes),
    }


def measure(project: Project, weather: Weather) -> dict[str, dict]:
    """Apply, change and destroy in such weather."""
    project.run("local", "up", *weather.options)
    file = project.folder / ".pmcp/deploy.toml"
    text = file.read_text()
    try:
        watched = Watched(project)
        figures = {"apply": run(project, watched, weather, "apply", "--auto-approve")}
        project.run("--local", "plan", "--detailed-exitcode")
        file.write_text(text.replace("memory_mb = 256", "memory_mb = 512"))
        figures["change of memory"] = run(project, watched, weather, "apply", "--auto-approve")
        figures["destroy"] = run(project, watched, weather, "destroy", "--auto-approve")
        return figures
    finally:
        file.write_text(text)
        project.run("local", "down")
        project.clean()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--latencies", default="40ms/200ms,60ms/400ms,100ms/900ms")
    parser.add_argument("--propagation", default="6s")
    parser.add_argument("--pending", default="2s")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/mcpdeploy")
    options = parser.parse_args()
    print("the calculator's stack on the embedded cloud; seconds, whole processes; the worst of", options.runs)
    head = f"{'reads/changes':14} {'propagation':>11}  {'':18}{'wall':>8}{'chain':>8}{'ratio':>7}"
    print(head + f"{'changes':>9}{'refused':>9}{'reads':>7}")
    worst = 0.0
    ways = set()
    with tempfile.TemporaryDirectory() as work:
        project = Project(options.binary.resolve(), Path(work) / "calculator")
        for latency in options.latencies.split(","):
            for propagation in options.propagation.split(","):
                weather = Weather(latency, propagation, options.pending)
                rounds = [measure(project, weather) for _ in range(options.runs)]
                for name in rounds[0]:
                    row = max((one[name] for one in rounds), key=lambda row: row["ratio"])
                    worst = max(worst, row["ratio"])
                    ways.add((name, " → ".join(row["way"])))
                    figures = f"{row['wall_s']:8.2f}{row['chain_s']:8.2f}{row['ratio']:7.3f}"
                    counts = f"{row['changes']:9}{row['refused']:9}{row['reads']:7}"
                    print(f"{latency:14} {propagation:>11}  {name:18}{figures}{counts}", flush=True)
    for name, way in sorted(ways):
        print(f"longest chain of {name}: {way}")
    verdict = "well" if worst <= WANTED else "TOO MUCH"
    print(f"worst ratio {worst:.3f}, wanted at most {WANTED:.2f}: {verdict}")


if __name__ == "__main__":
    main()
