# SPDX-License-Identifier: Apache-2.0
"""What was measured, as a table in Markdown. Needs the standard library only."""
from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import median
from typing import Sequence


@dataclass
class Measurement:
    """What a runtime took for a network, in units of its own kind, once a round."""
    network: str
    runtime: str
    #: Where it ran: a number of threads, or an emulated CPU.
    place: str
    rounds: list[float] = field(default_factory=list)
    #: Between its results and the float network's, where it is known.
    correlation: float | None = None
    #: Why there is nothing, where there is.
    failure: str = ""

    @property
    def middle(self) -> float | None:
        return median(self.rounds) if self.rounds else None


def last_json(text: str) -> dict:
    """The last line of a program's output that is an object of JSON: libraries print other lines before and behind."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
    last = repr(text.splitlines()[-1][:120]) if text.strip() else "nothing"
    raise ValueError(f"expected a line of JSON, found {last}")


def correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Pearson's; None where it means nothing."""
    if len(a) != len(b) or len(a) < 2:
        return None
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    products = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    squares = sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)
    return products / squares ** 0.5 if squares > 0 else None


def number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def render(measurements: Sequence[Measurement], unit: str) -> str:
    """A row for each network and place, a column for each runtime: its median, and how many times lvt's that is."""
    runtimes = list(dict.fromkeys(m.runtime for m in measurements))
    rows = list(dict.fromkeys((m.network, m.place) for m in measurements))
    found = {(m.network, m.place, m.runtime): m for m in measurements}
    lines = [f"| network | {unit} | " + " | ".join(runtimes) + " | best / lvt |", "|---" * (len(runtimes) + 3) + "|"]
    for network, place in rows:
        base = found.get((network, place, "lvt"))
        own = base.middle if base else None
        cells, ratios = [], []
        for runtime in runtimes:
            m = found.get((network, place, runtime))
            if m is None or m.middle is None:
                cells.append("failed" if m and m.failure else "")
                continue
            cells.append(number(m.middle))
            if own and runtime != "lvt":
                ratios.append(m.middle / own)
                cells[-1] += f" ({ratios[-1]:.2f})"
        lines.append(f"| {network} | {place} | " + " | ".join(cells) + f" | {min(ratios):.2f} |" if ratios else
                     f"| {network} | {place} | " + " | ".join(cells) + " | |")
    return "\n".join(lines)


def remarks(measurements: Sequence[Measurement]) -> list[str]:
    """What failed, and whose results are far from the float network's."""
    lines = [f"{m.runtime}, {m.network}, {m.place}: failed: {m.failure}" for m in measurements if m.failure]
    seen = set()
    for m in measurements:
        if m.correlation is not None and m.correlation < 0.9 and (m.network, m.runtime) not in seen:
            seen.add((m.network, m.runtime))
            lines.append(
                f"{m.runtime}, {m.network}: results correlate with the float network's by {m.correlation:.2f} only")
    return lines
