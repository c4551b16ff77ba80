"""Results as text: tables on the terminal, the same as Markdown, everything as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

FASTEST = "fastest"  # stands for whichever rival is the fastest in a cell
METRIC_NAMES = {"l2": "L2", "ip": "inner product", "cosine": "cosine"}


def write(folder: Path, name: str, result: dict[str, Any]) -> None:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(result, indent=1))
    text = result.get("table", "") + "\n" + result.get("summary", "")
    if text.strip():
        (folder / f"{name}.md").write_text(text.strip() + "\n")
    print(f"\nwrote {path} and its pictures")


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table with aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    cells = [[text.ljust(w) if i == 0 else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths))]
             for row in [heads, *rows]]  # fmt: skip
    rule = ["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in [cells[0], rule, *cells[1:]])


def grid_heading(metric: str, threads: int, ks: list[int]) -> str:
    lines = [f"\n{METRIC_NAMES[metric]}, {threads_text(threads)}: the rival's time / ours",
             f"{'data':>22} {'nq':>5} " + "".join(f"{f'k={k}':>9}" for k in ks)]  # fmt: skip
    return "\n".join(lines)


def grid_row(row: list[dict[str, Any]]) -> str:
    """One line for each rival: its ratios over k."""
    first = row[0]
    lines = []
    for rival in dict.fromkeys(who for cell in row for who in cell["ratio"]):
        ratios = "".join(f"{cell['ratio'].get(rival, float('nan')):9.2f}" for cell in row)
        lines.append(f"{first['data']['name']:>22} {first['nq']:>5} {ratios}  {rival}")
    return "\n".join(lines)


def grid_summary(result: dict[str, Any]) -> str:
    """Tables, medians, minima and every cell below 1, for each rival, metric and thread count."""
    parts = []
    for rival, metric, threads in grid_groups(result):
        cells = [c for c in result["cells"] if (c["metric"], c["threads"]) == (metric, threads) and rival in c["ratio"]]
        if cells:
            parts.append(_group_summary(result["subject"], rival, cells))
    parts += [f"{name} could not take part: {reason}" for name, reason in result["failed"].items()]
    return "\n\n".join(parts)


def grid_groups(result: dict[str, Any]) -> list[tuple[str, str, int]]:
    """(rival, metric, threads), in the order measured."""
    groups = {(rival, c["metric"], c["threads"]): None for c in result["cells"] for rival in c["ratio"]}
    return list(groups)


def _group_summary(subject: str, rival: str, cells: list[dict[str, Any]]) -> str:
    ratios = sorted(cell["ratio"][rival] for cell in cells)
    metric, threads = cells[0]["metric"], cells[0]["threads"]
    below = [c for c in cells if c["ratio"][rival] < 1]
    lines = [
        f"## {METRIC_NAMES[metric]}, {threads_text(threads)}: time of {rival} / time of {subject}\n",
        _ratio_table(rival, cells) + "\n",
        f"median {median(ratios):.2f}, minimum {ratios[0]:.2f}, maximum {ratios[-1]:.2f}",
        f"{len(below)} of {len(cells)} cells below 1",
        *("  " + _cell_text(cell, rival) for cell in sorted(below, key=lambda c: c["ratio"][rival])),
        *(f"exact lists of {who}: {_exact(cells, who)}" for who in (subject, rival) if who != FASTEST),
    ]
    return "\n".join(lines)


def _ratio_table(rival: str, cells: list[dict[str, Any]]) -> str:
    ks = sorted({cell["k"] for cell in cells})
    at = {(c["data"]["dim"], c["nq"], c["k"]): c for c in cells}
    rows = []
    for dim, nq in dict.fromkeys((c["data"]["dim"], c["nq"]) for c in cells):
        row = [at.get((dim, nq, k)) for k in ks]
        name = next(c["data"]["name"] for c in row if c)
        rows.append([str(dim), name, str(nq), *(f"{c['ratio'][rival]:.2f}" if c else "" for c in row)])
    return table(["d", "data", "nq", *(f"k={k}" for k in ks)], rows)


def _cell_text(cell: dict[str, Any], rival: str) -> str:
    return f"{cell['ratio'][rival]:.3f}  d={cell['data']['dim']} nq={cell['nq']} k={cell['k']} ({cell['data']['name']})"


def _exact(cells: list[dict[str, Any]], who: str) -> str:
    counts = [cell["exact_lists"][who] for cell in cells if who in cell["exact_lists"]]
    return f"{sum(right for right, _ in counts):,} of {sum(of for _, of in counts):,}"


def threads_text(n: int) -> str:
    return f"{n} thread" + ("s" if n > 1 else "")
