"""Small codes: bytes, recall, distortion and speed of every codec, beside Faiss's codec of the same bytes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Any

import data
import machine
import plots
import report
import truth
from lineup import Lineup
from timing import QUICK, Budget, interleave, ratio

K = 10
JUDGED = 500  # queries whose recall is taken
BATCH = 1000
DATA = {"fashion": "l2", "sift": "l2", "words": "ip"}

# (family, knear's spec, Faiss's); {M} is the number of sub-quantizers or bytes that divide the dimension.
SCALAR = [("SQ", "SQ8", "SQ8"), ("SQ", "SQ6", "SQ6"), ("SQ", "SQ4", "SQ4")]
RABITQ = [
    (f"RaBitQ{bits}", f"RaBitQ{bits}", theirs)
    for bits in (1, 2, 4, 8)
    for theirs in (f"RR,RaBitQ{bits}", f"RR,RaBitQfs{bits}")
]
PRODUCT = [
    ("PQ", "PQ{M}", "PQ{M}"),
    ("PQ 4-bit", "PQ{M2}x4fs", "PQ{M2}x4fs"),
    ("OPQ", "OPQ{M},PQ{M}", "OPQ{M},PQ{M}"),
]
LSH = [("LSH", "LSH{bits}r", "LSH{bits}r")]
REFINED = [("PQ 4-bit, refined", "PQ{M2}x4fs,Refine(SQ8)", "PQ{M2}x4fs,Refine(SQ8)")]


def run(options: argparse.Namespace) -> dict[str, Any]:
    threads = (options.threads or [1])[0]
    result: dict[str, Any] = {"machine": machine.describe(), "k": K, "nq": BATCH, "threads": threads, "failed": {},
                              "libraries": {}, "points": []}  # fmt: skip
    for name in [options.data] if options.data else list(DATA):
        try:
            about = data.describe(name)
        except data.Missing as missing:
            result["failed"][name] = str(missing)
            continue
        for family, ours, theirs in _pairs(about["dim"], options.quick):
            result["points"] += _compare(result, about, family, {options.subject: ours, "faiss": theirs}, options)
    if result["points"]:
        plots.codes(result, options.out)
    result["table"] = _table(result)
    print(result["table"])
    return result


def _pairs(dim: int, quick: bool) -> Iterator[tuple[str, str, str]]:
    """Every codec at the sizes that suit this dimension."""
    divisors = [m for m in range(4, dim + 1) if dim % m == 0]
    sizes = [min(divisors, key=lambda m, want=want: abs(m - want)) for want in (8, 16, 32, 64)]
    for family, ours, theirs in SCALAR + RABITQ + PRODUCT + LSH + REFINED:
        if "{" not in ours:
            yield family, ours, theirs
            continue
        for size in dict.fromkeys(sizes[:2] if quick else sizes):
            numbers = {"M": size, "M2": min(divisors, key=lambda m, size=size: abs(m - 2 * size)), "bits": 8 * size}
            yield family, ours.format(**numbers), theirs.format(**numbers)


def _compare(result: dict[str, Any], about: dict[str, Any], family: str, specs: dict[str, str],
             options: argparse.Namespace) -> list[dict[str, Any]]:  # fmt: skip
    name, metric = about["name"], DATA.get(about["name"], "l2")
    points: dict[str, dict[str, Any]] = {}
    with Lineup(list(specs), result["threads"]) as lineup:
        for who, worker in list(lineup.workers.items()):
            try:
                built = worker.ask("build", name, metric, specs[who])
                ids = worker.ask("answers", JUDGED, K, JUDGED)
                points[who] = {"library": who, "family": family, "spec": specs[who], "data": name, "metric": metric,
                               "rival": specs["faiss"], "build_seconds": built["seconds"], "recall": truth.recall(name, metric, ids),
                               **worker.ask("round_trip", 5000)}  # fmt: skip
            except Exception as failure:  # noqa: BLE001 (whatever it is, the harness reports it)
                lineup.drop(who, f"{specs[who]}: {failure}")
        samples = {who: partial(w.ask, "time", BATCH, K, options.clock) for who, w in lineup.workers.items()}
        budget = QUICK if options.quick else Budget(rounds=3, min_seconds=0.5, max_seconds=8)
        for who, seconds in (interleave(samples, budget) if samples else {}).items():
            points[who] |= {"times": seconds, "qps": BATCH / median(seconds)}
        result["failed"] |= {f"{who} {name}": reason for who, reason in lineup.failed.items()}
        result["libraries"] |= lineup.about
    for who, point in points.items():
        print(f"{name:>10} {who:>6} {point['spec']:<24} {point['bytes']:>5} bytes  recall {point['recall']:.4f}  "
              f"distortion {point['distortion']:.4f}  {point.get('qps', 0):>9,.0f} queries/s", flush=True)  # fmt: skip
    return list(points.values())


def _table(result: dict[str, Any]) -> str:
    """A row for each codec and data set: ours, theirs, and how many times faster."""
    rows = []
    for ours in (p for p in result["points"] if p["library"] != "faiss"):
        theirs = next((p for p in result["points"] if p["library"] == "faiss"
                       and (p["data"], p["spec"]) == (ours["data"], ours["rival"])), None)  # fmt: skip
        both = [ours, theirs] if theirs else [ours]
        faster = f"{ratio(theirs['times'], ours['times']):.2f}" if theirs and "times" in theirs else ""
        builds = f"{theirs['build_seconds'] / ours['build_seconds']:.2f}" if theirs else ""
        rows.append([ours["data"], ours["spec"], ours["rival"] if theirs else "", " / ".join(str(p["bytes"]) for p in both),
                     *(" / ".join(f"{p[what]:.4f}" for p in both) for what in ("recall", "distortion")),
                     f"{ours.get('qps', 0):,.0f}", faster, builds])  # fmt: skip
    heads = [
        "data",
        "codec",
        "Faiss's",
        "bytes",
        f"recall@{K}, ours / Faiss's",
        "distortion",
        "queries/s",
        "x faster",
        "x build",
    ]
    return report.table(heads, rows)
