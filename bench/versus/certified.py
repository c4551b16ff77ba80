"""Exact search that compares int8 first: against Faiss, and against knear's own float32, which it must never lose to.

Three contenders over the same rows and queries: Faiss, knear told to compare by float32, and knear left to itself. Ordinary
data shows what is gained over Faiss; hostile data (data.HOSTILE) shows what it may cost over float32.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Iterator
from statistics import mean, median
from typing import Any

import certified_report
import data
import machine
import numpy as np
import plots
from lineup import Lineup
from timing import QUICK, Budget, ratio

AUTO, FP32 = "knear", "knear_fp32"
RIVALS = ["faiss_blas"]  # Faiss at its best: as it comes, batches below batch x dim = 128,000 do not use BLAS
MILLION = "clustered-1000000-128"
ORDINARY = ["fashion", "sift", "words", MILLION, "clustered-200000-32", "clustered-20000-2048"]
BATCHES, KS = [1, 1000], [1, 10, 100]
ONLY = {MILLION: ([1], [10])}  # batches and k of data that would take long
QUICK_DATA = ["words", "clustered-5000-784", "near-duplicates", "words-2000"]
QUICK_KS = [10]
BUDGET = Budget(few_rounds=5, min_seconds=0.5)
ANSWERS = 256  # queries whose answers are compared, and at least one batch
MOST_CALLS = 16  # for them

Cell = dict[str, Any]


def run(options: argparse.Namespace) -> dict[str, Any]:
    rivals = options.rivals or RIVALS
    result: dict[str, Any] = {"machine": machine.describe(), "subject": options.subject, "rivals": rivals,
                              "clock": options.clock, "failed": {}, "libraries": {}, "cells": []}  # fmt: skip
    for threads in options.threads or [1]:
        with Lineup([AUTO, FP32, *rivals], threads) as lineup:
            result["libraries"][f"{threads} threads"] = lineup.about
            for metric in options.metric if {AUTO, FP32} <= set(lineup.workers) else []:
                print(certified_report.heading(metric, threads), flush=True)
                for name, nqs, ks in _shapes(options):
                    result["cells"] += _one_data_set(result, lineup, {"threads": threads, "metric": metric}, name,
                                                     [(nq, k) for nq in nqs for k in ks], options)  # fmt: skip
            result["failed"] |= lineup.failed
    result["table"] = certified_report.tables(result)
    result["summary"] = certified_report.summary(result)
    print(f"\n{result['table']}\n\n{result['summary']}")
    plots.certified(result, options.out)
    return result


def _shapes(options: argparse.Namespace) -> Iterator[tuple[str, list[int], list[int]]]:
    """Data sets, each with its batches and numbers of neighbours."""
    names = QUICK_DATA if options.quick else [*ORDINARY, *data.HOSTILE]
    for name in options.data.split(",") if options.data else names:
        nqs, ks = options.nq or BATCHES, options.k or (QUICK_KS if options.quick else KS)
        if name in ONLY and not options.data:
            nqs, ks = ([n for n in wanted if n in some] for wanted, some in zip((nqs, ks), ONLY[name]))
        if nqs and ks:
            yield name, nqs, ks


def _one_data_set(result: dict[str, Any], lineup: Lineup, about: Cell, name: str, points: list[tuple[int, int]],
                  options: argparse.Namespace) -> list[Cell]:  # fmt: skip
    try:
        described = data.describe(name) | {"hostile": name in data.HOSTILE}
    except data.Missing as missing:
        result["failed"][name] = str(missing)
        print(f"  {name} is left out: {missing}", flush=True)
        return []
    about = about | {"data": described, "build": lineup.each("build", name, about["metric"], "Flat")}
    cells = []
    for nq, k in points:
        if nq <= described["queries"] and {AUTO, FP32} <= set(lineup.workers):
            cells.append(_one_cell(lineup, about, nq, k, options))
            print(certified_report.progress(cells[-1]), flush=True)
    return cells


def _one_cell(lineup: Lineup, about: Cell, nq: int, k: int, options: argparse.Namespace) -> Cell:
    auto, fp32 = lineup.workers[AUTO], lineup.workers[FP32]
    calls = max(1, min(MOST_CALLS, ANSWERS // nq))
    ours, theirs = auto.ask("found", nq, k, calls), fp32.ask("found", nq, k, calls)
    cell = about | {"nq": nq, "k": k, "same": all(np.array_equal(a, b) for a, b in zip(ours, theirs))}
    cell["ranked_per_query"] = {who: lineup.workers[who].ask("work", nq, k, calls) for who in (AUTO, FP32)}
    before, start, busy = auto.ask("stats"), time.perf_counter(), machine.busy_seconds()
    cell["times"] = lineup.race(nq, k, options, QUICK if options.quick else BUDGET)
    cell["busy_cpus"] = (machine.busy_seconds() - busy) / (time.perf_counter() - start)
    cell |= auto.ask("stats")
    cell["given_up"] = [a - b for a, b in zip(_given_up(cell["shadow"]), _given_up(before["shadow"]))]
    return cell | _figures(cell)


def _given_up(shadow: str) -> tuple[int, int]:
    """Scans that gave up int8 for float32, and all that tried it, since the index was built."""
    counts = re.search(r"in ([\d,]+) of ([\d,]+) scans", shadow)
    return tuple(int(count.replace(",", "")) for count in counts.groups()) if counts else (0, 0)


def _figures(cell: Cell) -> Cell:
    """What follows from the times. Speeds are other's time / ours; rates those of knear left to itself."""
    times, n, dim = cell["times"], cell["data"]["n"], cell["data"]["dim"]
    rivals = [seconds for who, seconds in times.items() if who not in (AUTO, FP32)]
    best = min(rivals, key=median) if rivals else None
    seconds = median(times[AUTO])
    return {
        "rival_ms": median(best) * 1e3 if best else None,
        "fp32_over_rival": ratio(best, times[FP32]) if best else None,
        "auto_over_rival": ratio(best, times[AUTO]) if best else None,
        "auto_over_fp32": ratio(times[FP32], times[AUTO]),
        "auto_over_fp32_by_means": mean(times[FP32]) / mean(times[AUTO]),
        "gmacs_per_second": n * dim * cell["nq"] / seconds / 1e9,
        "bytes_per_second": n * (cell["shadow_bytes"] or 4 * dim) * cell["nq"] / seconds,
    }
