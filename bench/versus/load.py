"""What comes before the first answer: importing, adding (and the memory it takes), saving, opening."""

from __future__ import annotations

import argparse
import subprocess
import sys
from statistics import median
from typing import Any

import data
import machine
import report
from lineup import Lineup

DIM = 128
OPENINGS = 5  # each in a fresh process
BATCHES = (1, 100)


def run(options: argparse.Namespace) -> dict[str, Any]:
    gigabytes = options.gigabytes or (0.3 if options.quick else 3.0)
    n = round(gigabytes * 1e9 / (4 * DIM))
    names = [options.subject, *(options.rivals or ["faiss"])]
    result: dict[str, Any] = {"machine": machine.describe(), "n": n, "dim": DIM, "failed": {}, "libraries": {}}
    result["points"] = [_point(result, name, n) for name in names]
    result["table"] = _table(result)
    print(result["table"])
    return result


def _point(result: dict[str, Any], name: str, n: int) -> dict[str, Any]:
    """Everything about one library; what it cannot do is left out and said in result["failed"]."""
    point: dict[str, Any] = {"library": name, "import_ms": _import_ms(name)}
    path = str(data.CACHE / f"load-{name}.index")
    data.CACHE.mkdir(parents=True, exist_ok=True)
    for batches in BATCHES:
        with Lineup([name], 1) as lineup:
            point[f"add_{batches}"] = _of(lineup.each("add_random", n, DIM, batches))
            if batches == BATCHES[-1]:
                point["save_seconds"] = _of(lineup.each("save", path))
            result["failed"] |= lineup.failed
            result["libraries"] |= lineup.about
    point["openings"] = [] if name in result["failed"] else [_open(name, path) for _ in range(OPENINGS)]
    (data.CACHE / f"load-{name}.index").unlink(missing_ok=True)
    return point


def _open(name: str, path: str) -> dict[str, Any]:
    """Opens in a fresh process. The file was just written, so its pages are in memory."""
    with Lineup([name], 1) as lineup:
        return _of(lineup.each("load", path)) or {"seconds": float("nan"), "way": "failed"}


def _of(results: dict[str, Any]) -> Any:
    return next(iter(results.values()), None)


def _import_ms(name: str) -> float | None:
    """Milliseconds of the import in a fresh Python, the median of several."""
    module = name.split("_")[0]
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    times = []
    for _ in range(OPENINGS + 1):
        done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd="/")
        if done.returncode:
            return None
        times.append(float(done.stdout) * 1e3)
    return median(times[1:])  # the first one reads the files from disk


def _table(result: dict[str, Any]) -> str:
    heads = ["library", "import ms", "add s", "peak/data", "in 100 parts", "save s", "open ms", "opened by"]
    return report.table(heads, [_row(point) for point in result["points"]])


def _row(point: dict[str, Any]) -> list[str]:
    adds = [point[f"add_{batches}"] for batches in BATCHES]
    opened = point["openings"]
    return [
        point["library"],
        _text(point["import_ms"], ".0f"),
        _text(adds[0] and adds[0]["seconds"], ".2f"),
        *(_text(add and add["peak_growth_bytes"] / add["data_bytes"], ".2f") for add in adds),
        _text(point.get("save_seconds"), ".2f"),
        _text(median(o["seconds"] for o in opened) * 1e3 if opened else None, ".2f"),
        opened[0]["way"] if opened else "-",
    ]


def _text(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
