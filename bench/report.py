"""Turns the figures of all rounds into Markdown: medians, ranges, and ratios to the pass-through."""

import statistics

from cases import CASES, SIZES

LIKE = {case.name: case.like or case.name for case in CASES + SIZES}
# What the project set out to reach: figure, cases, limit of the ratio in the median.
GOALS = [
    ("CPU per request, same dialect", "cpu_us", ["chat"], 1.25),
    ("CPU per request, a key and ten limits", "cpu_us", ["chat, a key and ten limits"], 1.35),
    ("CPU per request, all of it paid and recorded", "cpu_us", ["chat, a key, ten limits, budgets and records"], 1.5),
    ("CPU per chunk, all of it paid and recorded", "chunk_us", ["stream, a key, ten limits, budgets and records"], 1.4),
    ("CPU per request, ten limits leased", "cpu_us", ["chat, a key and ten limits leased from Redis"], 1.5),
    ("CPU per request, cross-dialect", "cpu_us", ["chat → Anthropic", "chat → Gemini", "messages → OpenAI", "responses → Gemini"], 2.0),
    ("CPU per streamed chunk", "chunk_us", ["stream", "stream, a chunk each 5 ms"], 1.3),
    (
        "CPU per streamed chunk, cross-dialect",
        "chunk_us",
        ["stream → Anthropic", "stream, messages → OpenAI", "stream, responses → Gemini"],
        1.6,
    ),
]
IDLE_GOAL_KIB = 15 * 1024


def report(result: dict) -> str:
    rounds = [index(found) for found in result["rounds"]]
    keys = list(rounds[0])
    requests = [[case, kind, layout, *row(rounds, key, REQUEST)] for key in keys for case, kind, layout in [key]]
    streams = [
        [case, kind, layout, *row(rounds, key, STREAM)]
        for key in keys
        for case, kind, layout in [key]
        if "chunk_us" in rounds[0][key]
    ]
    parts = [
        f"Median of {len(rounds)} rounds (least – most); × is the ratio to the pass-through of the same layout.\n",
        table(["case", "server", "layout", "CPU µs/request", "×", "requests/s", "×", "p50 ms", "×", "p99 ms", "×"], requests),
        table(["streamed", "server", "layout", "CPU µs/chunk", "×", "first chunk ms", "×", "chunks"], streams),
        table(["server", "layout", "RSS idle MiB", "RSS peak MiB", "start to first answer ms", "×"], process(result)),
        goals(rounds, result),
    ]
    return "\n\n".join(part for part in parts if part)


REQUEST = [("cpu_us", 1), ("per_second", 0), ("p50_ms", 2), ("p99_ms", 2)]
STREAM = [("chunk_us", 2), ("first_chunk_ms", 2)]


def index(found: dict) -> dict:
    return {(figure["case"], figure["kind"], figure["layout"]): figure for figure in found["figures"]}


def row(rounds: list[dict], key: tuple, columns: list) -> list[str]:
    cells = []
    for name, digits in columns:
        values = [found[key][name] for found in rounds]
        cell = f"{statistics.median(values):,.{digits}f}"
        if len(values) > 1 and name in ("cpu_us", "chunk_us"):
            cell += f" ({min(values):.{digits}f} – {max(values):.{digits}f})"
        cells += [cell, times(ratio(rounds, key, name))]
    if columns is STREAM:
        cells.append(str(rounds[0][key]["chunks"]))
    return cells


def ratio(rounds: list[dict], key: tuple, name: str) -> float | None:
    """The median over rounds of the ratio to the like-for-like pass-through of the same round."""
    case, kind, layout = key
    base = (LIKE[case], "pass-through", layout)
    if kind in ("pass-through", "simulator") or base not in rounds[0]:
        return None
    return statistics.median(found[key][name] / found[base][name] for found in rounds)


def times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}×"


def process(result: dict) -> list[list[str]]:
    start = {(found["kind"], found["layout"]): found for found in result["start_ms"]}
    rows = []
    for found in result["rounds"][0]["memory"]:
        key = (found["kind"], found["layout"])
        cells = [f"{memory(result, key, name) / 1024:.1f}" for name in ("idle", "peak")]
        base = start["pass-through", key[1]]["median"]
        time = f"{start[key]['median']:.1f} (most {start[key]['max']:.1f})"
        rows.append([*key, *cells, time, times(start[key]["median"] / base if key[0] == "gateway" else None)])
    return rows


def memory(result: dict, key: tuple, name: str) -> float:
    return statistics.median(
        found[name] for each in result["rounds"] for found in each["memory"] if (found["kind"], found["layout"]) == key
    )


def goals(rounds: list[dict], result: dict) -> str:
    lines = []
    for title, name, cases, limit in GOALS:
        for case in cases:
            for layout in ("shared", "per-core"):
                keys = [(case, kind, layout) for kind in ("gateway", "guarded", "paid", "leased")]
                found = next((ratio(rounds, key, name) for key in keys if key in rounds[0]), None)
                if found is not None:
                    lines.append([title, f"{case}, {layout}", f"{found:.2f}×", f"≤ {limit}×", verdict(found, limit)])
    for layout in ("shared", "per-core"):
        if found := added(rounds, [each["ping_us"] for each in result["rounds"]], layout):
            lines.append(["what Redis adds to the median", f"{ASKED}, {layout}", *found])
    for layout in ("shared", "per-core"):
        idle = memory(result, ("gateway", layout), "idle")
        lines.append(["idle RSS", layout, f"{idle / 1024:.1f} MiB", "≤ 15 MiB", verdict(idle, IDLE_GOAL_KIB)])
    return table(["goal", "where", "found", "set", ""], lines)


ASKED, UNASKED = "chat, one connection, ten limits asked of Redis", "chat, one connection, ten limits"


def added(rounds: list[dict], pings_us: list[float], layout: str) -> list[str] | None:
    """What ten limits add to the median time where Redis is asked, next to a bare round trip to it."""
    asked, unasked = (ASKED, "asking", layout), (UNASKED, "guarded", layout)
    if asked not in rounds[0] or unasked not in rounds[0]:
        return None
    more_us = [(found[asked]["p50_ms"] - found[unasked]["p50_ms"]) * 1000 for found in rounds]
    # The one whose excess is in the middle, with what was measured beside it.
    more, ping = sorted(zip(more_us, pings_us), key=lambda pair: pair[0] - pair[1])[len(rounds) // 2]
    return [f"{more:.0f} µs", f"≤ {ping:.0f} + 50 µs", verdict(more, ping + 50)]


def verdict(found: float, limit: float) -> str:
    return "reached" if found <= limit else "missed"


def table(head: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
