#!/usr/bin/env python3
"""Draws what the adaptive layer does under overload: python3 bench/shed_graph.py FILE.csv > FILE.svg

Reads what bench/shed.py prints, or the example `shed` of layers/rate-limit. Columns it needs: layer (with or
without), offered_per_s, priority, asked, served, goodput_per_s, first_byte_p50_s and first_byte_p99_s; the
last two may be empty.
"""

import csv
import math
import sys
from collections import defaultdict
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 430, 230
LEFT, TOP, GAP, BELOW = 64, 104, 84, 100
PRIORITIES = {"high": "#c0392b", "normal": "#2471a3", "low": "#7d6608"}
LAYERS = {"with": "#1e8449", "without": "#d35400"}
DASHED = "6 4"
DOTTED = "1.5 4"


def main() -> None:
    with open(sys.argv[1], newline="") as file:
        rows = list(csv.DictReader(file))
    loads = max(float(row["offered_per_s"]) for row in rows)
    best = max(y for layer in LAYERS for _, y in goodput(rows, layer))
    times = [float(row[f"first_byte_{p}_s"]) for row in rows for p in ("p50", "p99") if row[f"first_byte_{p}_s"]]

    across, up = Axis(0, loads), Axis(0, best * 1.25)
    total = Panel(0, 0, "Goodput: whole answers a second, of all priorities", across, up)
    for layer, colour in LAYERS.items():
        total.line(goodput(rows, layer), colour, f"{layer} adaptive")
    total.line([(0, 0), (up.most, up.most)], "#888888", "as many as are asked for", DOTTED)

    shares = Panel(1, 0, "Share that is answered, by priority", across, Axis(0, 1.05, "{:.0%}"))
    for priority, colour in PRIORITIES.items():
        shares.line(served(rows, "with", priority), colour, f"{priority}, with")
        shares.line(served(rows, "without", priority), colour, f"{priority}, without", DASHED)

    panels = [total, shares]
    seconds = Axis(min(times) * 0.8, max(times) * 1.3, "{:g} s", logarithmic=True)
    for place, layer in enumerate(("without", "with")):
        panel = Panel(place, 1, f"Time to the first byte, {layer} adaptive", across, seconds)
        for priority, colour in PRIORITIES.items():
            for percent, dash in ((50, ""), (99, DASHED)):
                points = column(rows, layer, priority, f"first_byte_p{percent}_s")
                panel.line(points, colour, f"{priority}, {'median' if percent == 50 else 'p99'}", dash)
        panels.append(panel)

    width, height = LEFT + 2 * (WIDTH + GAP) - GAP + 30, TOP + 2 * (HEIGHT + BELOW + 40) - 24
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="12">'
    )
    print('<rect width="100%" height="100%" fill="white"/>')
    title = "A provider that is asked for more than it can do"
    print(f'<text x="{LEFT}" y="34" font-size="17" font-weight="bold">{title}</text>')
    print(f'<text x="{LEFT}" y="54" fill="#555555">{escape(shares_of(rows))}</text>')
    for panel in panels:
        print(panel.svg())
    print("</svg>")


def shares_of(rows) -> str:
    asked = {priority: sum(int(row["asked"]) for row in rows if row["priority"] == priority) for priority in PRIORITIES}
    parts = ", ".join(f"{count / sum(asked.values()):.0%} {priority}" for priority, count in asked.items())
    return f"Requests by priority: {parts}. Across: requests a second that are asked for."


def goodput(rows, layer):
    by_load = defaultdict(float)
    for row in rows:
        if row["layer"] == layer:
            by_load[float(row["offered_per_s"])] += float(row["goodput_per_s"])
    return sorted(by_load.items())


def served(rows, layer, priority):
    mine = (row for row in rows if row["layer"] == layer and row["priority"] == priority and int(row["asked"]))
    return sorted((float(row["offered_per_s"]), int(row["served"]) / int(row["asked"])) for row in mine)


def column(rows, layer, priority, name):
    mine = (row for row in rows if row["layer"] == layer and row["priority"] == priority and row[name])
    return sorted((float(row["offered_per_s"]), float(row[name])) for row in mine)


class Axis:
    """Values from the least to the most, at even distances or at even ratios."""

    def __init__(self, least: float, most: float, label: str = "{:g}", logarithmic: bool = False):
        self.least, self.most, self.label, self.logarithmic = least, most, label, logarithmic

    def place(self, value: float) -> float:
        """From 0 to 1."""
        if self.logarithmic:
            return math.log(value / self.least) / math.log(self.most / self.least)
        return (value - self.least) / (self.most - self.least)

    def ticks(self) -> list[tuple[float, str]]:
        if self.logarithmic:
            steps = [base * 10.0**power for power in range(-4, 5) for base in (1, 2, 5)]
        else:
            # The step of the form 1, 2 or 5 that makes seven ticks at most.
            sizes = (base * 10.0**power for power in range(-4, 7) for base in (1, 2, 5))
            step = next(size for size in sizes if (self.most - self.least) / size <= 7)
            steps = [step * i for i in range(8)]
        return [(value, self.label.format(round(value, 6))) for value in steps if self.least <= value <= self.most]


class Panel:
    """One diagram over the offered load, with its legend below."""

    def __init__(self, column: int, row: int, title: str, across: Axis, up: Axis):
        self.left = LEFT + column * (WIDTH + GAP)
        self.top = TOP + row * (HEIGHT + BELOW + 40)
        self.across, self.up = across, up
        self.lines = 0
        bottom = self.top + HEIGHT
        at = f'x="{self.left}" y="{self.top - 12}"'
        self.parts = [f'<text {at} font-size="14" font-weight="bold">{escape(title)}</text>']
        for value, label in up.ticks():
            y = self.y(value)
            self.parts.append(f'<path d="M{self.left} {y:.1f}h{WIDTH}" stroke="#e5e5e5"/>')
            self.parts.append(f'<text x="{self.left - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
        for value, label in across.ticks():
            self.parts.append(f'<path d="M{self.x(value):.1f} {bottom}v5" stroke="black"/>')
            self.parts.append(f'<text x="{self.x(value):.1f}" y="{bottom + 20}" text-anchor="middle">{label}</text>')
        self.parts.append(f'<path d="M{self.left} {self.top}V{bottom}h{WIDTH}" fill="none" stroke="black"/>')

    def x(self, value: float) -> float:
        return self.left + WIDTH * self.across.place(value)

    def y(self, value: float) -> float:
        return self.top + HEIGHT * (1 - self.up.place(value))

    def line(self, points, colour: str, name: str, dash: str = "") -> None:
        style = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash or "none"}" fill="none"'
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" {style} stroke-linejoin="round"/>')
        if not dash:
            for x, y in points:
                self.parts.append(f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="2.6" fill="{colour}"/>')
        # In columns of two, in the order in which they are drawn.
        x, y = self.left + 148 * (self.lines // 2), self.top + HEIGHT + 46 + 20 * (self.lines % 2)
        self.parts.append(f'<path d="M{x} {y}h28" {style}/>')
        self.parts.append(f'<text x="{x + 34}" y="{y + 4}">{escape(name)}</text>')
        self.lines += 1

    def svg(self) -> str:
        return "\n".join(self.parts)


if __name__ == "__main__":
    main()
