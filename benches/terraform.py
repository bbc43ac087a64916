#!/usr/bin/env python3
"""The graph of scale.py with Terraform's `terraform_data`, for comparison.

    terraform.py [--sizes 500,1000,2000] [--terraform terraform]

Needs no provider but the one that is in Terraform. Writes benches/data/terraform.json.
"""

import argparse
import json
import tempfile
from datetime import date
from pathlib import Path

from scale import ROOT, machine, run

#: A point measured before, with the resources in chains of three: for us it is minutes.
BEFORE = {"resources": 5000, "apply_s": 533.0, "plan_s": 8.7, "peak_mb": 666.0, "terraform": "1.9"}


def config(count: int) -> str:
    """As `scale.config` has it."""
    parts = []
    for index in range(count):
        place = index % 100
        before = index - 1 if 50 < place < 75 else index - place
        value = f'"v{index}"' if place < 50 else f'"${{terraform_data.n{before}.output}}-{place % 7}"'
        parts.append(f'resource "terraform_data" "n{index}" {{\n  input = {value}\n}}\n')
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="500,1000,2000")
    parser.add_argument("--terraform", type=Path, default=Path("terraform"))
    options = parser.parse_args()
    points = []
    for size in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work)
            (folder / "main.tf").write_text(config(size))
            run(options.terraform, folder, "init", "-no-color")
            apply = run(options.terraform, folder, "apply", "-auto-approve", "-no-color")
            # It would end with 2 when there was something to change.
            plan = run(options.terraform, folder, "plan", "-detailed-exitcode", "-no-color")
            version = json.loads((folder / "terraform.tfstate").read_text())["terraform_version"]
        point = {
            "resources": size,
            "apply_s": round(apply["wall_s"], 2),
            "plan_s": round(plan["wall_s"], 2),
            "peak_mb": max(apply["peak_mb"], plan["peak_mb"]),
            "terraform": version,
        }
        print(point, flush=True)
        points.append(point)
    record = {"measured": {"on": date.today().isoformat(), **machine()}, "points": [*points, BEFORE]}
    data = ROOT / "benches/data/terraform.json"
    data.parent.mkdir(exist_ok=True)
    data.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
