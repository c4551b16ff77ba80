"""Speed against recall: every library at every setting of its knob, all taking turns."""

from __future__ import annotations

import argparse
import contextlib
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
from worker import RivalFailed, Worker

K = 10
BATCH = 1000
JUDGED = 200  # queries whose recall is taken
EF_SEARCH = [10, 20, 40, 80, 160, 320, 640]
NPROBE = [1, 2, 4, 8, 16, 32, 64, 128]
STORED = ["", ",dtype=float16", ",dtype=bfloat16"]  # what knear's exact scan may keep of any data,
STORED_BYTES = [",dtype=uint8"]  # and of data that is whole numbers from 0 to 255
WHOLE_NUMBERS = ("fashion", "sift")

Series = tuple[str, str, list[dict[str, int]]]  # library, spec, one dictionary of knobs for each point


def run(options: argparse.Namespace) -> dict[str, Any]:
    name = options.data or ("words" if options.quick else "fashion")
    metric, threads = options.metric[0], (options.threads or [1])[0]
    about = data.describe(name)
    result: dict[str, Any] = {"machine": machine.describe(), "data": about, "metric": metric, "threads": threads,
                              "k": K, "nq": BATCH, "clock": options.clock, "failed": {}, "libraries": {},
                              "points": []}  # fmt: skip
    with contextlib.ExitStack() as stack:
        samples: dict[int, Any] = {}
        for series in _series(options, about):
            if series[0] in result["failed"]:
                continue
            lineup = stack.enter_context(Lineup([series[0]], threads))
            result["failed"] |= lineup.failed
            result["libraries"] |= lineup.about
            for worker in lineup.workers.values():
                samples |= _prepare(result, series, worker)
        _measure(result, samples, QUICK if options.quick else Budget(max_seconds=60))
    if result["points"]:
        plots.pareto(result, options.out)
    result["table"] = _table(result)
    print(result["table"])
    return result


def _series(options: argparse.Namespace, about: dict[str, Any]) -> list[Series]:
    lists = 2 ** round(math.log2(4 * math.sqrt(about["n"])))
    stored = STORED + (STORED_BYTES if about["name"] in WHOLE_NUMBERS else [])
    chosen = options.rivals or ["faiss", "hnswlib", "usearch"]
    curves: list[Series] = [
        ("faiss", f"IVF{lists},Flat", [{"nprobe": p} for p in NPROBE]),
        *((name, "HNSW16", [{"efSearch": ef} for ef in EF_SEARCH]) for name in ("faiss", "hnswlib", "usearch")),
        ("faiss_blas", "Flat", [{}]),
        *(("knear", "Flat" + dtype, [{}]) for dtype in stored),
    ]
    return [curve for curve in curves if curve[0].split("_")[0] in (*chosen, options.subject)]


def _prepare(result: dict[str, Any], series: Series, worker: Worker) -> dict[int, Any]:
    """Builds, judges the answers at each setting, and returns a way to time each point, by its place in
    result["points"]."""
    library, spec, settings = series
    print(f"building {library} {spec}", flush=True)
    try:
        built = worker.ask("build", result["data"]["name"], result["metric"], spec)
        samples = {}
        for knobs in settings:
            samples[len(result["points"])] = partial(_time, worker, knobs, result["clock"])
            worker.ask("tune", **knobs)
            ids = worker.ask("answers", BATCH, K, JUDGED)
            result["points"].append({
                "library": library, "spec": spec, "knobs": knobs,
                "recall": truth.recall(result["data"]["name"], result["metric"], ids),
                "build_seconds": built["seconds"], "bytes_per_vector": built["memory_bytes"] / result["data"]["n"],
            })  # fmt: skip
        return samples
    except RivalFailed as failure:
        result["failed"][f"{library} {spec}"] = str(failure)
        print(f"  {failure}", flush=True)
        return {}


def _time(worker: Worker, knobs: dict[str, int], clock: str, calls: int) -> float:
    worker.ask("tune", **knobs)
    return float(worker.ask("time", BATCH, K, clock, calls))


def _measure(result: dict[str, Any], samples: dict[int, Any], budget: Budget) -> None:
    times = interleave({str(place): sample for place, sample in samples.items()}, budget)
    for place in samples:
        point = result["points"][place]
        point["times"] = times[str(place)]
        point["qps"] = BATCH / median(point["times"])
    result["points"] = [point for point in result["points"] if "qps" in point]


def _table(result: dict[str, Any]) -> str:
    rows = [
        [f"{p['library']} {p['spec']}", " ".join(f"{name}={value}" for name, value in p["knobs"].items()),
         f"{p['recall']:.4f}", f"{p['qps']:,.0f}", f"{p['build_seconds']:.1f}", f"{p['bytes_per_vector']:,.0f}"]
        for p in result["points"]
    ]  # fmt: skip
    return report.table(["index", "knob", f"recall@{K}", "queries/s", "build s", "bytes/vector"], rows)
