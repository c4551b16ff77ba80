"""k-means: seconds and objective, beside Faiss's Clustering and its SuperKMeans.

Everybody gets the same rows, k, iterations, seeds and points per centroid. The objective is taken here, in the same
way for all: the sum over all rows of the squared distance to the nearest final centroid, in float64.
"""

from __future__ import annotations

import argparse
from statistics import median
from typing import Any

import data
import machine
import numpy as np
import report
from lineup import Lineup
from timing import ratio

NITER = 25
MOST = 256  # points per centroid; of more rows, everybody takes a sample
RIVALS = ["faiss", "faiss_super"]
SHAPES = [("fashion", 256), ("fashion", 4096), ("clustered-1000000-128", 1024)]
QUICK_SHAPES = [("clustered-5000-784", 64), ("clustered-20000-128", 256)]


def run(options: argparse.Namespace) -> dict[str, Any]:
    threads = (options.threads or [1])[0]
    result: dict[str, Any] = {"machine": machine.describe(), "niter": NITER, "most": MOST, "threads": threads,
                              "failed": {}, "libraries": {}, "points": []}  # fmt: skip
    seeds = (1, 2) if options.quick else (1, 2, 3)
    for name, k in QUICK_SHAPES if options.quick else SHAPES:
        if options.data and name != options.data:
            continue
        try:
            rows, _ = data.load(name)
        except data.Missing as missing:
            result["failed"][name] = str(missing)
            continue
        result["points"] += _compare(result, name, np.asarray(rows), k, seeds, options)
    result["table"] = _table(result, options.subject)
    print(result["table"])
    return result


def objective(rows: np.ndarray, centroids: np.ndarray) -> float:
    wide = centroids.astype(np.float64)
    halves = (wide**2).sum(1) / 2
    total = 0.0
    for i in range(0, len(rows), 4096):
        block = rows[i : i + 4096].astype(np.float64)
        nearest = (halves - block @ wide.T).argmin(1)
        total += float(((block - wide[nearest]) ** 2).sum())
    return total


def _compare(result: dict[str, Any], name: str, rows: np.ndarray, k: int, seeds: tuple[int, ...],
             options: argparse.Namespace) -> list[dict[str, Any]]:  # fmt: skip
    """One run for each library and seed, in turns."""
    points: dict[str, dict[str, Any]] = {}
    with Lineup([options.subject, *(options.rivals or RIVALS)], result["threads"]) as lineup:
        for seed in seeds:
            runs = lineup.each("cluster", name, k, NITER, seed, MOST, options.clock)
            for who, (seconds, centroids) in runs.items():
                point = points.setdefault(who, {"library": who, "data": name, "n": len(rows), "dim": rows.shape[1],
                                                "k": k, "times": [], "objectives": []})  # fmt: skip
                point["times"].append(seconds)
                point["objectives"].append(objective(rows, centroids))
                print(f"{name:>22} k={k:<5} {who:>12} {seconds:8.2f} s  {point['objectives'][-1]:.6g}", flush=True)
        result["failed"] |= {f"{who} {name} k={k}": reason for who, reason in lineup.failed.items()}
        result["libraries"] |= lineup.about
    return list(points.values())


def _table(result: dict[str, Any], subject: str) -> str:
    """A row for each shape and rival; ratios above 1 of times are faster, below 1 of objectives are better."""
    rows = []
    ours = {(p["data"], p["k"]): p for p in result["points"] if p["library"] == subject}
    for point in result["points"]:
        mine = ours.get((point["data"], point["k"]))
        if mine is None or mine is point:
            continue
        # The seeds draw other numbers in each library, so means are compared, not runs.
        better = np.mean(mine["objectives"]) / np.mean(point["objectives"])
        rows.append([point["data"], str(point["k"]), point["library"], f"{median(mine['times']):.2f}",
                     f"{median(point['times']):.2f}", f"{ratio(point['times'], mine['times']):.2f}",
                     f"{better:.4f}"])  # fmt: skip
    return report.table(["data", "k", "rival", "our s", "its s", "x faster", "objective, ours/its"], rows)
