#!/usr/bin/env python3
"""Draws what the adaptive layer does under overload: python3 bench/shed_graph.py FILE.csv > FILE.svg

Columns it reads: layer (with or without), offered_per_s, priority, goodput_per_s, first_byte_p50_s and
first_byte_p99_s; the last two may be empty.
"""

import csv
import sys
from collections import defaultdict
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, GAP = 300, 220, 60, 50, 70
COLOURS = {"high": "#c0392b", "normal": "#2471a3", "low": "#7f8c8d", "with": "#1e8449", "without": "#d68910"}


def main() -> None:
    with open(sys.argv[1], newline="") as file:
        rows = list(csv.DictReader(file))
    most = max(float(row["offered_per_s"]) for row in rows)
    longest = max(float(row["first_byte_p99_s"] or 0) for row in rows)
    goodput = {layer: sums(rows, layer) for layer in ("without", "with")}
    best = max(y for points in goodput.values() for _, y in points)

    panels = [Panel("goodput, answers a second", 0, most, best * 1.15)]
    for layer, points in goodput.items():
        panels[0].line(points, COLOURS[layer], f"{layer} the layer")
    for place, layer in enumerate(goodput, 1):
        panel = Panel(f"first byte {layer} the layer, s", place, most, longest * 1.05)
        for priority in ("high", "normal", "low"):
            for column, name, dash in (("first_byte_p50_s", "p50", ""), ("first_byte_p99_s", "p99", "5 3")):
                points = times(rows, layer, priority, column)
                panel.line(points, COLOURS[priority], f"{priority} {name}", dash)
        panels.append(panel)

    width = 3 * (WIDTH + GAP) + LEFT
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT + TOP + 150}" '
          'font-family="sans-serif" font-size="11">')
    print('<rect width="100%" height="100%" fill="white"/>')
    for panel in panels:
        print(panel.svg())
    print("</svg>")


def sums(rows, layer):
    by_load = defaultdict(float)
    for row in rows:
        if row["layer"] == layer:
            by_load[float(row["offered_per_s"])] += float(row["goodput_per_s"])
    return sorted(by_load.items())


def times(rows, layer, priority, column):
    wanted = (row for row in rows if row["layer"] == layer and row["priority"] == priority and row[column])
    return sorted((float(row["offered_per_s"]), float(row[column])) for row in wanted)


class Panel:
    """One diagram over the offered load."""

    def __init__(self, title, place, most_x, most_y):
        self.left = LEFT + place * (WIDTH + GAP)
        self.most_x, self.most_y = most_x, most_y
        self.lines = 0
        bottom = TOP + HEIGHT
        self.parts = [
            f'<text x="{self.left}" y="{TOP - 18}" font-size="13" font-weight="bold">{escape(title)}</text>',
            f'<path d="M{self.left} {TOP}V{bottom}H{self.left + WIDTH}" fill="none" stroke="black"/>',
            f'<text x="{self.left + WIDTH}" y="{bottom + 32}" text-anchor="end">offered, requests a second</text>',
        ]
        for step in range(6):
            x, y = most_x * step / 5, most_y * step / 5
            self.parts.append(f'<text x="{self.x(x):.1f}" y="{bottom + 16}" text-anchor="middle">{x:.3g}</text>')
            self.parts.append(f'<text x="{self.left - 6}" y="{self.y(y) + 4:.1f}" text-anchor="end">{y:.3g}</text>')
            self.parts.append(f'<path d="M{self.left} {self.y(y):.1f}h{WIDTH}" stroke="#dddddd"/>')

    def x(self, value):
        return self.left + WIDTH * value / self.most_x

    def y(self, value):
        return TOP + HEIGHT * (1 - value / self.most_y)

    def line(self, points, colour, name, dash=""):
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        style = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}" fill="none"'
        self.parts.append(f'<polyline points="{path}" {style}/>')
        x, y = self.left + 150 * (self.lines % 2), TOP + HEIGHT + 52 + 18 * (self.lines // 2)
        self.parts.append(f'<path d="M{x} {y}h24" {style}/>')
        self.parts.append(f'<text x="{x + 30}" y="{y + 4}">{escape(name)}</text>')
        self.lines += 1

    def svg(self):
        return "\n".join(self.parts)


if __name__ == "__main__":
    main()
