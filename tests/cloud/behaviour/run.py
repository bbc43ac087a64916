#!/usr/bin/env python3
"""Judges how faithfully a cloud behaves like AWS.

    run.py --endpoint http://127.0.0.1:4566 [--group lambda] [--check ID] [--known ministack]

One line for each check: `ok`; `FAIL` and what was expected and seen; `absent` when the cloud says
that it has no such operation; `unsure` for a failure where we may be wrong about AWS. With --known,
failures that known.json lists for that cloud are `known`, and one that is listed but passes fails
the run, so that the list stays true. Exits 1 when any check failed.

Needs boto3 and cryptography (tests/emulators/requirements.txt brings both). Every check makes its
own resources and removes them; without --endpoint that would be in the AWS account of the
environment, so that has to be asked for with --aws.
"""

import argparse
import collections
import fnmatch
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import checks
from judge import ABSENT, CHECKS, FAIL, OK, judge
from world import Case, World

KNOWN = Path(__file__).resolve().parent / "known.json"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--endpoint", help="URL of the cloud")
    where.add_argument("--aws", action="store_true", help="AWS itself; costs a little")
    where.add_argument("--list", action="store_true", help="what is checked, and by what authority")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--group", action="append", help="only these groups")
    parser.add_argument("--check", action="append", help="only these ids; * and ? stand for anything")
    parser.add_argument("--jobs", type=int, default=8, help="checks at a time (8)")
    parser.add_argument("--json", metavar="FILE", help="write the outcomes there too")
    parser.add_argument("--known", metavar="CLOUD", help="a cloud of known.json")
    parser.add_argument("--quiet", action="store_true", help="no lines for what is ok")
    return parser.parse_args()


def wanted(options) -> list:
    groups, ids = options.group or [], options.check or []
    unknown = set(groups) - {check.group for check in CHECKS}
    if unknown:
        raise SystemExit(f"no such group: {', '.join(sorted(unknown))}")
    chosen = [
        check
        for check in CHECKS
        if (not groups or check.group in groups)
        and (not ids or any(fnmatch.fnmatchcase(check.id, pattern) for pattern in ids))
    ]
    if not chosen:
        raise SystemExit("no such check")
    return chosen


def known(cloud) -> dict:
    """Check id, or a pattern of ids, to the reason why it fails there."""
    if not cloud:
        return {}
    clouds = json.loads(KNOWN.read_text())
    if cloud not in clouds:
        raise SystemExit(f"known.json has no {cloud}: {', '.join(clouds)} are there")
    return clouds[cloud]


def verdict(outcome, reasons: dict) -> tuple:
    """What to call an outcome, and why."""
    listed = next((r for p, r in reasons.items() if fnmatch.fnmatchcase(outcome.check.id, p)), None)
    if outcome.kind == FAIL and outcome.check.unsure:
        return "unsure", f"{outcome.why} (unsure: {outcome.check.unsure})"
    if outcome.kind == FAIL and listed:
        return "known", f"{listed} ({outcome.why})"
    if outcome.kind == OK and outcome.check.id in reasons and not outcome.check.unsure:
        return FAIL, "known.json says that this fails, but it passes"
    return outcome.kind, outcome.why


def outcomes(chosen: list, world: World, jobs: int):
    """Judges side by side, slow checks first, and at the end those that must be alone."""
    together = sorted((check for check in chosen if not check.alone), key=lambda check: not check.slow)
    with ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(judge, check, Case(world, check.id)) for check in together]
        for done in as_completed(running):
            yield done.result()
    for check in chosen:
        if check.alone:
            yield judge(check, Case(world, check.id))


def main() -> int:
    options = arguments()
    chosen = wanted(options)
    if options.list:
        for check in chosen:
            print(f"{check.id}\n    {check.says}\n    {check.source}")
            if check.unsure:
                print(f"    unsure: {check.unsure}")
        return 0
    reasons = known(options.known)
    world = World(options.endpoint, options.region)
    start = time.monotonic()
    counts = collections.defaultdict(collections.Counter)
    rows = []
    try:
        for outcome in outcomes(chosen, world, options.jobs):
            kind, why = verdict(outcome, reasons)
            counts[outcome.check.group][kind] += 1
            rows.append({"id": outcome.check.id, "outcome": kind, "why": why, "seconds": outcome.seconds})
            if kind != OK or not options.quiet:
                print(f"{kind:6} {outcome.check.id}" + (f": {why}" if why else ""), flush=True)
    finally:
        world.close()
    taken = time.monotonic() - start
    kinds = (OK, FAIL, ABSENT, "known", "unsure")
    print(f"\n{'':12}" + "".join(f"{kind:>8}" for kind in kinds))
    total = collections.Counter()
    for group, seen in sorted(counts.items()):
        total += seen
        print(f"{group:12}" + "".join(f"{seen[kind]:8}" for kind in kinds))
    print(f"{'all':12}" + "".join(f"{total[kind]:8}" for kind in kinds) + f"   {taken:.1f} s")
    if options.json:
        rows.sort(key=lambda row: row["id"])
        with open(options.json, "w") as file:
            json.dump({"seconds": taken, "total": total, "checks": rows}, file, indent=1)
    return 1 if total[FAIL] else 0


if __name__ == "__main__":
    assert checks.MODULES
    sys.exit(main())
