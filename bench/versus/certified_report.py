"""What certified.py found, as text."""

from __future__ import annotations

from statistics import median
from typing import Any

from report import METRIC_NAMES, table, threads_text

Cell = dict[str, Any]

LEAST_ROWS, LEAST_DIM = 60_000, 96  # of the data that the summary compares with Faiss
MOST_LOSS = 1.08  # times the time of float32, on hostile data
MOST_OTHERS = 0.25  # CPUs that other processes may keep busy before a figure is doubtful


def rival_name(result: dict[str, Any]) -> str:
    rivals = result["rivals"]
    return "Faiss" if all(who.startswith("faiss") for who in rivals) else " or ".join(rivals)


def heading(metric: str, threads: int) -> str:
    return (f"\n{METRIC_NAMES[metric]}, {threads_text(threads)}\n"
            f"{'data':>22} {'nq':>5} {'k':>4} {'rival ms':>10} {'fp32':>6} {'auto':>6} {'auto/fp32':>10}")  # fmt: skip


def progress(cell: Cell) -> str:
    return (f"{cell['data']['name']:>22} {cell['nq']:>5} {cell['k']:>4} {_number(cell['rival_ms'], '.2f'):>10} "
            f"{_number(cell['fp32_over_rival'], '.2f'):>6} {_number(cell['auto_over_rival'], '.2f'):>6} "
            f"{cell['auto_over_fp32']:>10.2f}  {_rate(cell)}, {_ranked(cell)} ranked a query"
            f"{'' if cell['same'] else ', ANSWERS DIFFER'}, {_shadow(cell)}{', disturbed' if _disturbed(cell) else ''}")  # fmt: skip


def tables(result: dict[str, Any]) -> str:
    """For each metric and thread count: ordinary data, then hostile data."""
    name = rival_name(result)
    parts = []
    for (metric, threads), cells in groups(result).items():
        for title, some in (("", _ordinary(cells)), (", hostile data", _hostile(cells))):
            if some:
                parts.append(f"## {METRIC_NAMES[metric]}, {threads_text(threads)}{title}\n\n{_table(name, some)}")
    return "\n\n".join(parts)


def summary(result: dict[str, Any]) -> str:
    parts = [
        f"{METRIC_NAMES[metric]}, {threads_text(threads)}: " + " ".join(_sentences(rival_name(result), cells))
        for (metric, threads), cells in groups(result).items()
    ]
    parts += [f"{name} could not take part: {reason}" for name, reason in result["failed"].items()]
    return "\n".join(parts)


def groups(result: dict[str, Any]) -> dict[tuple[str, int], list[Cell]]:
    """The cells by metric and thread count, in the order measured."""
    found: dict[tuple[str, int], list[Cell]] = {}
    for cell in result["cells"]:
        found.setdefault((cell["metric"], cell["threads"]), []).append(cell)
    return found


def _table(rival: str, cells: list[Cell]) -> str:
    heads = ["rows", "queries", "k", f"{rival}, ms", "fp32, times faster", "auto, times faster", "auto over fp32",
             "speed of auto", "ranked a query", "same answers", "shadow"]  # fmt: skip
    return table(heads, [_row(cell) for cell in cells])


def _row(cell: Cell) -> list[str]:
    about = cell["data"]
    return [
        f"{about['name']}, {about['n']:,} x {about['dim']}", f"{cell['nq']:,}", str(cell["k"]),
        _number(cell["rival_ms"], ",.2f"), _number(cell["fp32_over_rival"], ".2f"),
        _number(cell["auto_over_rival"], ".2f"), f"{cell['auto_over_fp32']:.2f}", _rate(cell), _ranked(cell),
        "yes" if cell["same"] else "NO", _shadow(cell),
    ]  # fmt: skip


def _sentences(rival: str, cells: list[Cell]) -> list[str]:
    large = [c for c in _ordinary(cells) if c["data"]["n"] >= LEAST_ROWS and c["data"]["dim"] >= LEAST_DIM]
    large = [c for c in large if c["auto_over_rival"]]
    hostile = _hostile(cells)
    lines = []
    if large:
        least = min(large, key=lambda c: c["auto_over_rival"])
        middle = median(c["auto_over_rival"] for c in large)
        lines.append(f"from {LEAST_ROWS:,} rows and {LEAST_DIM} dimensions on, auto is at least {least['auto_over_rival']:.2f} "
                     f"times as fast as {rival} ({_place(least)}), the median of {len(large)} is {middle:.2f}.")  # fmt: skip
    if hostile:
        worst = min(hostile, key=lambda c: c["auto_over_fp32"])
        means = min(hostile, key=lambda c: c["auto_over_fp32_by_means"])
        slower = sum(c["auto_over_fp32"] < 1 / MOST_LOSS for c in hostile)
        lines.append(f"On hostile data auto is at worst {worst['auto_over_fp32']:.2f} times as fast as fp32 ({_place(worst)}; "
                     f"by means {means['auto_over_fp32_by_means']:.2f}, {_place(means)}); "
                     f"{slower} of {len(hostile)} are slower by more than {MOST_LOSS - 1:.0%}.")  # fmt: skip
    differ = [c for c in cells if not c["same"]]
    lines.append(f"Ids and distances of auto and fp32 are the same in {len(cells) - len(differ)} of {len(cells)}"
                 + "".join(f"; NOT: {_place(c)}" for c in differ) + ".")  # fmt: skip
    disturbed = [c for c in cells if _disturbed(c)]
    if disturbed:
        lines.append(
            f"Other processes disturbed {len(disturbed)} of {len(cells)} measurements: repeat them before quoting."
        )
    return lines


def _disturbed(cell: Cell) -> bool:
    """Did others keep the machine busy meanwhile?"""
    return cell["busy_cpus"] > cell["threads"] + MOST_OTHERS


def _ordinary(cells: list[Cell]) -> list[Cell]:
    return [cell for cell in cells if not cell["data"]["hostile"]]


def _hostile(cells: list[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell["data"]["hostile"]]


def _place(cell: Cell) -> str:
    return f"{cell['data']['name']}, {cell['nq']:,} quer{'y' if cell['nq'] == 1 else 'ies'}, k = {cell['k']}"


def _rate(cell: Cell) -> str:
    """Of batches arithmetic, of single queries bytes of what is compared first."""
    if cell["nq"] > 1:
        return f"{cell['gmacs_per_second']:.0f} GMAC/s"
    gave_up, tried = cell["given_up"]
    streamed = not cell["shadow"] or tried > 2 * gave_up  # else mostly something else was read
    return f"{cell['bytes_per_second'] / 1e9:.1f} GB/s" if streamed else "-"


def _ranked(cell: Cell) -> str:
    return f"{next(iter(cell['ranked_per_query'].values())):,.1f}"


def _shadow(cell: Cell) -> str:
    """What is compared first, and how many of this cell's scans gave it up: searches after one that did start without."""
    if not cell["shadow"]:
        return "none"
    gave_up, tried = cell["given_up"]
    tries = f"; given up in {gave_up:,} of {tried:,} tries" if gave_up else "" if tried else "; not tried"
    return cell["shadow"].split(";")[0] + tries


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
