"""Partitions: speed at equal recall beside Faiss's of the same codes, one query and batches, building and memory.

Every setting of nprobe is a point; between points, the logarithm of the speed is taken to be linear in recall.
"""

from __future__ import annotations

import argparse
import math
from functools import partial
from statistics import median
from typing import Any

import data
import machine
import plots
import report
import truth
from lineup import Lineup
from timing import QUICK, Budget, interleave

K = 10
JUDGED = 1000  # queries whose recall is taken
NPROBE = [1, 2, 4, 8, 16, 32, 64, 128, 256]
LEVELS = [0.8, 0.9, 0.95, 0.99]
DATA = {"fashion": "l2", "sift": "l2", "words": "ip"}

# (family, knear's spec, the rivals' specs, Faiss's knobs besides nprobe); {n} lists, {M2} sub-quantizers of 4 bits.
PAIRS: list[tuple[str, str, dict[str, str], dict[str, float]]] = [
    ("Flat", "IVF{n},Flat", {"faiss": "IVF{n},Flat", "svs": "IVF{n},Flat"}, {}),
    ("Flat, no shadows", "IVF{n},Flat,exact=fp32", {"faiss": "IVF{n},Flat"}, {}),
    ("SQ8", "IVF{n},SQ8", {"faiss": "IVF{n},SQ8", "svs": "IVF{n},LVQ8"}, {}),
    ("4-bit PQ, refined", "IVF{n},PQ{M2}x4fs,RFlat",
     {"faiss": "IVF{n},PQ{M2}x4fs,RFlat", "scann": "IVF{n},AH2,R40"}, {"k_factor_rf": 4}),
    ("4-bit RaBitQ", "IVF{n},RaBitQ4", {"faiss": "RR,IVF{n},RaBitQfs4", "rabitqlib": "IVF{n},RaBitQ4"}, {}),
    ("1-bit RaBitQ", "IVF{n},RaBitQ", {"faiss": "RR,IVF{n},RaBitQfs", "rabitqlib": "IVF{n},RaBitQ1"}, {}),
    ("PQ", "IVF{n},PQ{M}", {"faiss": "IVF{n},PQ{M}np"}, {}),
]


def run(options: argparse.Namespace) -> dict[str, Any]:
    threads = (options.threads or [1])[0]
    batches = options.nq or [1, 1000]
    result: dict[str, Any] = {"machine": machine.describe(), "k": K, "threads": threads, "failed": {},
                              "libraries": {}, "points": [], "rows": []}  # fmt: skip
    for name in [options.data] if options.data else list(DATA):
        try:
            about = data.describe(name)
        except data.Missing as missing:
            result["failed"][name] = str(missing)
            continue
        for family, ours, theirs, knobs in PAIRS[:2] if options.quick else PAIRS:
            numbers = _numbers(about)
            specs = {who: spec.format(**numbers) for who, spec in {options.subject: ours, **theirs}.items()}
            points = _compare(result, about, family, specs, knobs, batches, options)
            result["points"] += points
            for rival in theirs:
                result["rows"] += _rows(points, [about["name"], family, rival], batches, options.subject)
    for batch in batches:
        plots.partitions(result, batch, options.out)
    heads = [
        "data",
        "codes",
        "rival",
        "queries",
        *(f"recall {level}" for level in LEVELS),
        "building",
        "bytes a vector",
    ]
    result["table"] = report.table(heads, result["rows"])
    print(result["table"])
    return result


def _numbers(about: dict[str, Any]) -> dict[str, int]:
    divisors = [m for m in range(2, about["dim"] + 1) if about["dim"] % m == 0]
    nearest = partial(min, divisors)
    return {"n": 2 ** round(math.log2(4 * math.sqrt(about["n"]))),
            "M2": nearest(key=lambda m: abs(m - about["dim"] / 4)),
            "M": nearest(key=lambda m: abs(m - about["dim"] / 8))}  # fmt: skip


def _compare(result: dict[str, Any], about: dict[str, Any], family: str, specs: dict[str, str], knobs: dict[str, float],
             batches: list[int], options: argparse.Namespace) -> list[dict[str, Any]]:  # fmt: skip
    name, metric = about["name"], DATA.get(about["name"], options.metric[0])
    points: list[dict[str, Any]] = []
    with Lineup(list(specs), result["threads"]) as lineup:
        built = {}
        for who, worker in list(lineup.workers.items()):
            try:
                built[who] = worker.ask("build", name, metric, specs[who])
                if who == "faiss" and knobs:
                    worker.ask("tune", **knobs)
            except Exception as failure:  # noqa: BLE001 (whatever it is, the harness reports it)
                lineup.drop(who, f"{specs[who]}: {failure}")
        for nprobe in NPROBE:
            at = {}
            for who, worker in lineup.workers.items():
                worker.ask("tune", nprobe=nprobe)
                ids = worker.ask("answers", JUDGED, K, JUDGED)
                at[who] = {"library": who, "family": family, "spec": specs[who], "data": name, "metric": metric,
                           "nprobe": nprobe, "recall": truth.recall(name, metric, ids), "qps": {}, "times": {},
                           "build_seconds": built[who]["seconds"],
                           "bytes_per_vector": built[who]["memory_bytes"] / about["n"]}  # fmt: skip
            for batch in batches:
                samples = {who: partial(w.ask, "time", batch, K, options.clock) for who, w in lineup.workers.items()}
                budget = QUICK if options.quick else Budget(rounds=3, min_seconds=0.3, max_seconds=4)
                for who, seconds in (interleave(samples, budget) if samples else {}).items():
                    at[who]["qps"][batch] = batch / median(seconds)
            points += at.values()
            print(f"{name:>8} {family:<18} nprobe {nprobe:>3}  " + "  ".join(
                f"{who} {p['recall']:.4f} " + "/".join(f"{q:,.0f}" for q in p["qps"].values()) for who, p in at.items()),
                flush=True)  # fmt: skip
            if at and min(p["recall"] for p in at.values()) > max(LEVELS):
                break
        result["failed"] |= {f"{who} {name} {family}": reason for who, reason in lineup.failed.items()}
        result["libraries"] |= lineup.about
    return points


def _speed_at(points: list[dict[str, Any]], level: float, batch: int) -> float | None:
    """Queries per second at this recall; None where no two points are around it."""
    curve = sorted((p["recall"], math.log(p["qps"][batch])) for p in points)
    for (r0, s0), (r1, s1) in zip(curve, curve[1:]):
        if r0 <= level <= r1 and r1 > r0:
            return math.exp(s0 + (s1 - s0) * (level - r0) / (r1 - r0))
    return None


def _rows(points: list[dict[str, Any]], what: list[str], batches: list[int], subject: str) -> list[list[str]]:
    """How many times as fast as the rival, at each level; where only one of them gets there, its speed."""
    ours = [p for p in points if p["library"] == subject]
    theirs = [p for p in points if p["library"] == what[-1]]
    if not ours or not theirs:
        return []
    rows = []
    for batch in batches:
        cells = []
        for level in LEVELS:
            mine, other = (_speed_at(side, level, batch) for side in (ours, theirs))
            if mine and other:
                cells.append(f"{mine / other:.2f}")
            else:
                cells.append(
                    f"{mine:,.0f} q/s, not theirs" if mine else f"{other:,.0f} q/s, not ours" if other else "-"
                )
        first = batch == batches[0]
        builds = f"{theirs[0]['build_seconds'] / ours[0]['build_seconds']:.2f}" if first else ""
        memory = f"{ours[0]['bytes_per_vector']:.0f} / {theirs[0]['bytes_per_vector']:.0f}" if first else ""
        rows.append([*what, f"{batch:,}", *cells, builds, memory])
    return rows
