"""One query on a million rows: nothing to reuse, so the memory's bandwidth is the limit."""

from __future__ import annotations

import argparse
from functools import partial
from statistics import median
from typing import Any

import data
import machine
import report
import truth
from lineup import Lineup
from timing import QUICK, Budget, interleave
from worker import CLOCKS

K = 10


def run(options: argparse.Namespace) -> dict[str, Any]:
    name = "clustered-100000-128" if options.quick else "clustered-1000000-128"
    result: dict[str, Any] = {"machine": machine.describe(), "data": data.describe(name), "k": K,
                              "clock": options.clock, "failed": {}, "libraries": {}, "points": []}  # fmt: skip
    for threads in options.threads or [1, 2]:
        for metric in options.metric:
            result["points"] += _points(result, name, metric, threads, options)
    result["table"] = _table(result["points"])
    print(result["table"])
    return result


def _points(result: dict[str, Any], name: str, metric: str, threads: int, options: argparse.Namespace) -> list[dict]:
    names = [options.subject, *(options.rivals or ["faiss", "usearch"])]
    size = result["data"]["n"] * result["data"]["dim"] * 4
    with Lineup(names, threads) as lineup:
        lineup.each("build", name, metric, "Flat")
        ids = lineup.each("answers", 1, K, 1)
        now = CLOCKS[options.clock]
        bandwidth = machine.read_bandwidth(threads, now)
        samples = {who: partial(worker.ask, "time", 1, K, options.clock) for who, worker in lineup.workers.items()}
        times = interleave(samples, QUICK if options.quick else Budget(rounds=15, min_seconds=2))
        bandwidth = max(bandwidth, machine.read_bandwidth(threads, now))
        result["failed"] |= lineup.failed
        result["libraries"] |= lineup.about
    return [
        {"library": who, "metric": metric, "threads": threads, "times": seconds, "ms": median(seconds) * 1e3,
         "bytes_per_second": size / median(seconds), "bandwidth": bandwidth,
         "share": size / median(seconds) / bandwidth, "exact": truth.exact_lists(name, metric, ids[who]) == 1}
        for who, seconds in times.items()
    ]  # fmt: skip


def _table(points: list[dict[str, Any]]) -> str:
    heads = ["library", "metric", "threads", "ms", "GB/s", "of measured GB/s", "share", "exact"]
    rows = [
        [p["library"], p["metric"], str(p["threads"]), f"{p['ms']:.2f}", f"{p['bytes_per_second'] / 1e9:.1f}",
         f"{p['bandwidth'] / 1e9:.1f}", f"{p['share']:.0%}", "yes" if p["exact"] else "no"]
        for p in points
    ]  # fmt: skip
    return report.table(heads, rows)
