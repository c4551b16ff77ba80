"""Pictures of the results."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import certified_report
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import report

matplotlib.use("Agg")

INK, FAINT = "#22262b", "#8a929c"
COLOURS = {"knear": "#d1495b", "faiss": "#2e6f9e", "hnswlib": "#5a9e6f", "usearch": "#c98a2b", "numpy": "#7d6b9e"}
FP32_COLOUR = "#eaa9b1"
TITLES = {"fashion": "Fashion-MNIST pictures", "sift": "SIFT descriptors", "words": "word vectors"}
MARKERS = ["o", "s", "^", "D", "v", "P"]
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#c9ced4",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#e6e9ec",
    "figure.dpi": 150,
    "savefig.bbox": "tight",
}


def grid(result: dict[str, Any], folder: Path) -> None:
    """A heat map for each rival, metric and thread count: blue where the subject is faster, red where slower."""
    for rival, metric, threads in report.grid_groups(result):
        cells = [c for c in result["cells"] if (c["metric"], c["threads"]) == (metric, threads) and rival in c["ratio"]]
        with plt.rc_context(STYLE):
            _heat_maps(cells, rival, result["subject"])
            plt.savefig(folder / f"grid-{rival}-{metric}-{threads}t.png")
            plt.close()


def _heat_maps(cells: list[dict[str, Any]], rival: str, subject: str) -> None:
    batches = sorted({c["nq"] for c in cells})
    dims = list(dict.fromkeys(c["data"]["dim"] for c in cells))
    ks = sorted({c["k"] for c in cells})
    size = (1.0 + 0.72 * len(ks) * len(batches), 1.5 + 0.42 * len(dims))
    figure, axes = plt.subplots(1, len(batches), figsize=size, sharey=True, squeeze=False, layout="constrained")
    for axis, nq in zip(axes[0], batches):
        values = np.full((len(dims), len(ks)), np.nan)
        for c in cells:
            if c["nq"] == nq:
                values[dims.index(c["data"]["dim"]), ks.index(c["k"])] = c["ratio"][rival]
        image = axis.imshow(np.log2(values), cmap="RdBu", vmin=-2.5, vmax=2.5, aspect="auto")
        _write_numbers(axis, values)
        axis.set_title(f"{nq:,} quer{'y' if nq == 1 else 'ies'}", fontsize=10)
        axis.set_xticks(range(len(ks)), [str(k) for k in ks])
        axis.set_yticks(range(len(dims)), [str(d) for d in dims])
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
        axis.set_xlabel("k")
    axes[0][0].set_ylabel("dimensions")
    bar = figure.colorbar(image, ax=axes, ticks=[-2, -1, 0, 1, 2], shrink=0.9, pad=0.015)
    bar.ax.set_yticklabels(["¼×", "½×", "1×", "2×", "4×"])
    bar.outline.set_visible(False)
    ratios = [c["ratio"][rival] for c in cells]
    slower = "the fastest rival" if rival == report.FASTEST else rival
    figure.suptitle(
        f"Exact search, {report.METRIC_NAMES[cells[0]['metric']]}, {report.threads_text(cells[0]['threads'])}\n"
        f"time of {slower} / time of {subject}, median {median(ratios):.2f}; blue: {subject} is faster",
        fontsize=10.5, x=0.01, ha="left",
    )  # fmt: skip


def _write_numbers(axis: Any, values: np.ndarray) -> None:
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            dark = abs(np.log2(value)) > 1.4
            axis.text(column, row, f"{value:.1f}" if value >= 9.95 else f"{value:.2f}", ha="center", va="center",
                      fontsize=8.5, color="white" if dark else INK)  # fmt: skip


def pareto(result: dict[str, Any], folder: Path) -> None:
    """Queries per second (log) against recall@k; upper right is better. The recall axis widens towards 1."""
    series: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for point in result["points"]:
        series.setdefault((point["library"], point["spec"].split(",dtype")[0]), []).append(point)
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(8.4, 5.2), layout="constrained")
        for i, ((library, spec), points) in enumerate(series.items()):
            _curve(axis, library, spec, points, MARKERS[i % len(MARKERS)])
        _recall_axis(axis, min(p["recall"] for p in result["points"]))
        axis.set_yscale("log")
        axis.set_ylabel("queries per second")
        axis.set_xlabel(f"recall@{result['k']}")
        axis.grid(True, which="major")
        axis.legend(frameon=False, loc="lower left", fontsize=9)
        about = result["data"]
        axis.set_title(
            f"{about['name']}: {about['n']:,} × {about['dim']}, {report.METRIC_NAMES[result['metric']]}, "
            f"{report.threads_text(result['threads'])}, batches of {result['nq']:,}",
            loc="left", fontsize=11, fontweight="bold",
        )  # fmt: skip
        figure.savefig(folder / f"pareto-{about['name']}-{result['threads']}t.png")
        plt.close(figure)


LOOKS = {"faiss": ("x", ":"), "svs": ("s", "--"), "scann": ("^", "--"), "rabitqlib": ("d", "-.")}


def partitions(result: dict[str, Any], batch: int, folder: Path) -> None:
    """For each data set, queries per second (log) against recall, ours and Faiss's of each kind of codes."""
    names = list(dict.fromkeys(p["data"] for p in result["points"]))
    if not names:
        return
    families = list(dict.fromkeys(p["family"] for p in result["points"]))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(names), figsize=(6.4 * len(names) + 3, 5), layout="constrained", squeeze=False)
        for axis, name in zip(axes[0], names):
            for i, family in enumerate(families):
                for library in dict.fromkeys(p["library"] for p in result["points"]):
                    points = _frontier([{**p, "qps": p["qps"][batch]} for p in result["points"]
                                        if (p["data"], p["family"], p["library"]) == (name, family, library)])  # fmt: skip
                    if not points:
                        continue
                    xs, ys = [_stretched(p["recall"]) for p in points], [p["qps"] for p in points]
                    marker, line = LOOKS.get(library, ("o", "-"))
                    label = f"{library} {family}" if library == "knear" else f"{library}, the same"
                    axis.plot(xs, ys, color=f"C{i}", marker=marker, markersize=4, linestyle=line, label=label)
            _recall_axis(axis, min(p["recall"] for p in result["points"] if p["data"] == name))
            axis.set_yscale("log")
            axis.set_xlabel(f"recall@{result['k']}")
            axis.set_title(name, loc="left", fontsize=11, fontweight="bold")
            axis.grid(True, which="major")
        axes[0][0].set_ylabel(f"queries per second, {report.threads_text(result['threads'])}, batches of {batch:,}")
        axes[0][-1].legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
        figure.savefig(folder / f"ivf-{result['threads']}t-{batch}.png")
        plt.close(figure)


def _curve(axis: Any, library: str, spec: str, points: list[dict[str, Any]], marker: str) -> None:
    colour = COLOURS.get(library.split("_")[0], FAINT)
    if spec == "Flat":
        look = {"marker": "*", "markersize": 13, "linewidth": 0}
    else:
        points = _frontier(points)
        dashes = "--" if spec.startswith("IVF") else "-"
        look = {"marker": marker, "markersize": 5, "linestyle": dashes, "linewidth": 1.8}
    xs, ys = [_stretched(p["recall"]) for p in points], [p["qps"] for p in points]
    first = 3 if library == "knear" else 2
    axis.plot(xs, ys, color=colour, label=f"{library} {spec}", zorder=first, clip_on=False, **look)
    if library == "knear" and spec == "Flat":
        for x, y, p in zip(xs, ys, points):
            stored = p["spec"].partition("dtype=")[2] or "float32"
            axis.annotate(stored, (x, y), xytext=(-10, 0), textcoords="offset points", ha="right", va="center",
                          fontsize=8, color=colour)  # fmt: skip


def _frontier(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The points that no other beats both in recall and in speed, by recall."""
    kept: list[dict[str, Any]] = []
    for point in sorted(points, key=lambda p: (-p["qps"], -p["recall"])):
        if not kept or point["recall"] > kept[-1]["recall"]:
            kept.append(point)
    return kept


def _stretched(recall: float) -> float:
    """-log10(1 - recall), with 1 at four nines: 0.9, 0.99 and 0.999 are equally far apart."""
    return float(-np.log10(max(1 - recall, 1e-4)))


def _recall_axis(axis: Any, lowest: float) -> None:
    ticks = [t for t in (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0) if t >= lowest - 0.05]
    axis.set_xticks([_stretched(t) for t in ticks], [f"{t:g}" for t in ticks])
    axis.set_xlim(_stretched(max(0.0, lowest - 0.05)), _stretched(1.0) + 0.05)


def codes(result: dict[str, Any], folder: Path) -> None:
    """recall@k against bytes, a panel for each data set; ours with lines, the rival's with hollow marks."""
    names = list(dict.fromkeys(p["data"] for p in result["points"]))
    families = list(dict.fromkeys(p["family"].rstrip("0123456789") for p in result["points"]))
    shades = dict(zip(families, plt.get_cmap("tab10").colors))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(names), figsize=(1 + 4.6 * len(names), 4.6), sharey=True, squeeze=False,
                                    layout="constrained")  # fmt: skip
        for axis, name in zip(axes[0], names):
            for family in families:
                points = [p for p in result["points"] if p["data"] == name and p["family"].startswith(family)]
                _code_curve(axis, [p for p in points if p["family"].rstrip("0123456789") == family], shades[family])
            axis.set_xscale("log", base=2)
            axis.set_xlabel("bytes per vector")
            axis.set_title(name, loc="left", fontsize=11, fontweight="bold")
            axis.grid(True, which="major")
        axes[0][0].set_ylabel(f"recall@{result['k']}")
        axes[0][0].legend(frameon=False, fontsize=8.5)
        figure.suptitle(
            "Recall of codes; lines: knear, hollow marks: Faiss at its bytes", fontsize=10, x=0.01, ha="left"
        )
        figure.savefig(folder / "codes.png")
        plt.close(figure)


def _code_curve(axis: Any, points: list[dict[str, Any]], colour: Any) -> None:
    ours = sorted((p for p in points if p["library"] != "faiss"), key=lambda p: p["bytes"])
    theirs = [p for p in points if p["library"] == "faiss"]
    if ours:
        axis.plot([p["bytes"] for p in ours], [p["recall"] for p in ours], "o-", color=colour, markersize=5,
                  label=ours[0]["family"].rstrip("0123456789"))  # fmt: skip
    axis.plot([p["bytes"] for p in theirs], [p["recall"] for p in theirs], "o", markersize=9, markerfacecolor="none",
              markeredgecolor=colour)  # fmt: skip


def certified(result: dict[str, Any], folder: Path) -> None:
    """Bars for each metric and thread count: how many times as fast as the rival, for ordinary data."""
    rival = certified_report.rival_name(result)
    for (metric, threads), cells in certified_report.groups(result).items():
        cells = [c for c in cells if not c["data"]["hostile"] and c["auto_over_rival"]]
        if cells:
            with plt.rc_context(STYLE):
                _speed_bars(cells, rival, f"{report.METRIC_NAMES[metric]}, {report.threads_text(threads)}")
                plt.savefig(folder / f"certified-{metric}-{threads}t.png")
                plt.close()


def _speed_bars(cells: list[dict[str, Any]], rival: str, how: str) -> None:
    """A panel for each batch size, a group of rows for each data set, a row for each k. Bars start at 1, the rival."""
    batches = sorted({c["nq"] for c in cells}, reverse=True)
    places = _bar_places(cells)
    bottom = max(places.values()) + 0.7
    figure, axes = plt.subplots(1, len(batches), figsize=(3.2 + 3.9 * len(batches), 1.9 + 0.36 * bottom), sharex=True,
                                sharey=True, squeeze=False, layout="constrained")  # fmt: skip
    for axis, nq in zip(axes[0], batches):
        some = [c for c in cells if c["nq"] == nq]
        ys = np.array([places[c["data"]["name"], c["k"]] for c in some])
        _bars(axis, ys - 0.2, [c["fp32_over_rival"] for c in some], FP32_COLOUR, "knear, float32 only")
        _bars(axis, ys + 0.2, [c["auto_over_rival"] for c in some], COLOURS["knear"], "knear, int8 first (default)")
        axis.axvline(1, color=COLOURS["faiss"], linewidth=2, label=rival, zorder=3)
        for name, k in set(places) - {(c["data"]["name"], c["k"]) for c in some}:
            axis.text(1.06, places[name, k], "not measured", va="center", fontsize=8, color=FAINT)
        axis.set_title("one query at a time" if nq == 1 else f"{nq:,} queries at a time", fontsize=10.5)
        axis.tick_params(length=0)
        axis.grid(True, axis="x", which="major", zorder=0)
        axis.set_axisbelow(True)
    values = [c[what] for c in cells for what in ("fp32_over_rival", "auto_over_rival")]
    _speed_axis(axes[0][0], min(values), max(values))
    _bar_labels(axes[0][0], cells, places, bottom)
    note = "; both bars of knear return the same answers, bit for bit" if all(c["same"] for c in cells) else ""
    inch = 1 / figure.get_figheight()
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - 0.6 * inch))
    figure.text(0.01, 1 - 0.06 * inch, f"Exact nearest-neighbour search: how many times as fast as {rival}?", va="top",
                fontsize=13, fontweight="bold")  # fmt: skip
    figure.text(0.01, 1 - 0.33 * inch, f"{how}; k nearest neighbours of each query; longer is faster (log scale){note}", va="top",
                fontsize=9.5, color=FAINT)  # fmt: skip
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)


def _bar_places(cells: list[dict[str, Any]]) -> dict[tuple[str, int], float]:
    """Where each row of bars goes, from the top: data sets stand apart."""
    places: dict[tuple[str, int], float] = {}
    y = 0.0
    for name in dict.fromkeys(c["data"]["name"] for c in cells):
        for k in sorted({c["k"] for c in cells if c["data"]["name"] == name}):
            places[name, k] = y
            y += 1
        y += 0.6
    return places


def _bars(axis: Any, ys: np.ndarray, values: list[float], colour: str, label: str) -> None:
    axis.barh(ys, [value - 1 for value in values], left=1, height=0.38, color=colour, label=label, zorder=2)
    for y, value in zip(ys, values):
        text = f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"
        axis.annotate(text, (max(value, 1), y), xytext=(4, 0), textcoords="offset points", va="center", fontsize=7.5)


def _speed_axis(axis: Any, least: float, most: float) -> None:
    low, high = min(0.8, least * 0.9), max(2.2, most * 1.35)
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100) if low <= t <= high]
    axis.set_xscale("log")
    axis.set_xlim(low, high)
    axis.set_xticks(ticks, [f"{t:g}×" for t in ticks])
    axis.minorticks_off()


def _bar_labels(axis: Any, cells: list[dict[str, Any]], places: dict[tuple[str, int], float], bottom: float) -> None:
    axis.set_yticks(list(places.values()), [f"k = {k}" for _, k in places])
    axis.set_ylim(bottom, -0.7)
    for name, about in {c["data"]["name"]: c["data"] for c in cells}.items():
        ys = [y for (which, _), y in places.items() if which == name]
        text = f"{TITLES.get(name, 'generated clusters')}\n{about['n']:,} × {about['dim']}"
        axis.annotate(text, (0, sum(ys) / len(ys)), xycoords=("axes fraction", "data"), xytext=(-62, 0),
                      textcoords="offset points", ha="right", va="center", fontsize=9)  # fmt: skip
