#!/usr/bin/env python3
"""Draws docs/scale.svg from benches/data/scale.json and benches/data/terraform.json.

Time and memory over the number of resources, both axes logarithmic: what grows in proportion runs
along the dotted lines.
"""

import json
from math import log10
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 400, 400
LEFT, TOP, RIGHT, BOTTOM = 62, 44, 14, 48
X = (400, 70_000)
#: Colours that differ in lightness too.
OURS, THEIRS, FAINT, TEXT = "#0b62b8", "#c4510a", "#b9bec4", "#57606a"


class Panel:
    """One plot: its place and its axes."""

    def __init__(self, left: int, title: str, unit: str, low: float, high: float):
        self.left, self.low, self.high = left, low, high
        self.parts = [
            f'<text x="{left + LEFT}" y="24" class="title">{title}</text>',
            f'<text x="{left + LEFT - 8}" y="{TOP - 8}" text-anchor="end">{unit}</text>',
            f'<text x="{left + WIDTH - RIGHT}" y="{HEIGHT - 10}" text-anchor="end">resources</text>',
        ]
        bottom, right = self.y(low), left + WIDTH - RIGHT
        for power in range(round(log10(low)), round(log10(high)) + 1):
            y = self.y(10**power)
            name = f"{10**power:,}" if power >= 0 else f"{10**power:.{-power}f}"
            self.parts.append(f'<path d="M{left + LEFT} {y:.1f}H{right}" class="grid"/>')
            self.parts.append(f'<text x="{left + LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{name}</text>')
        for count in (1_000, 2_000, 5_000, 10_000, 20_000, 50_000):
            x = self.x(count)
            self.parts.append(f'<path d="M{x:.1f} {bottom}v4" class="tick"/>')
            name = f"{count // 1000}k"
            self.parts.append(f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{name}</text>')

    def x(self, count: float) -> float:
        share = log10(count / X[0]) / log10(X[1] / X[0])
        return self.left + LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = log10(value / self.low) / log10(self.high / self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def proportional(self, count: float, value: float) -> None:
        """A line of slope 1 through a point, as far as the plot goes."""
        start = max(X[0], count * self.low / value)
        end = min(X[1], count * self.high / value)
        ends = [(self.x(at), self.y(value * at / count)) for at in (start, end)]
        (x1, y1), (x2, y2) = ends
        self.parts.append(f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" class="slope"/>')

    def curve(self, points: list[tuple[float, float]], name: str, colour: str, dash: str = "", below: int = 0) -> None:
        """A line with its points; its name stands at the last one, or so many pixels below."""
        places = [(self.x(count), self.y(value)) for count, value in points]
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        self.parts.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2" {dash}/>')
        for (x, y), (count, value) in zip(places, points):
            tip = f"<title>{name}, {count:,} resources: {value:g}</title>"
            self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}">{tip}</circle>')
        x, y = places[-1]
        right = x > self.left + WIDTH - 120
        anchor, x = ("end", x + 6) if right else ("start", x + 8)
        y += below or (-10 if right else 4)
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" style="fill:{colour}" class="name">{name}</text>')


def column(points: list[dict], *names: str) -> list[tuple[float, float]]:
    """Pairs of the number of resources and a figure."""
    pairs = []
    for point in points:
        value = point
        for name in names:
            value = value[name]
        pairs.append((point["resources"], value))
    return pairs


def draw() -> None:
    ours = json.loads((ROOT / "benches/data/scale.json").read_text())
    theirs = json.loads((ROOT / "benches/data/terraform.json").read_text())["points"]
    points = ours["points"]
    commands = ("apply", "plan", "change_one", "destroy")
    peaks = [(p["resources"], max(p[name]["peak_mb"] for name in commands)) for p in points]
    dash = 'stroke-dasharray="6 3"'

    time = Panel(0, "Wall time of a whole run", "s", 0.01, 1000)
    # Dotted lines behind: along them, twice the resources take twice the time.
    for value in (0.001, 0.1, 10):
        time.proportional(1_000, value * 10)
    time.curve(column(theirs, "apply_s"), "Terraform apply", THEIRS)
    time.curve(column(theirs, "plan_s"), "Terraform plan", THEIRS, dash)
    time.curve(column(points, "apply", "wall_s"), "mcpdeploy apply", OURS)
    time.curve(column(points, "plan", "wall_s"), "mcpdeploy plan", OURS, dash, below=62)

    memory = Panel(WIDTH + 10, "Peak memory", "MB", 10, 1000)
    for value in (10, 100):
        memory.proportional(1_000, value)
    memory.curve(column(theirs, "peak_mb"), "Terraform", THEIRS)
    memory.curve(peaks, "mcpdeploy", OURS)

    width = 2 * WIDTH + 10
    style = (
        f"text{{font:12px system-ui,sans-serif;fill:{TEXT}}}.title{{font-weight:600;font-size:14px}}"
        f".name{{font-weight:600}}.grid{{stroke:{FAINT};stroke-width:.6}}.tick{{stroke:{TEXT}}}"
        f".slope{{stroke:{TEXT};stroke-width:1;stroke-dasharray:1 4}}"
    )
    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" role="img">',
        "<title>Time and memory over the number of resources</title>",
        f"<style>{style}</style>",
        f'<rect width="{width}" height="{HEIGHT}" fill="#fff"/>',
        *time.parts,
        *memory.parts,
        "</svg>",
    ]
    (ROOT / "docs/scale.svg").write_text("\n".join(svg) + "\n")


if __name__ == "__main__":
    draw()
