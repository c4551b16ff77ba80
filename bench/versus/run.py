#!/usr/bin/env python3
"""knear against other libraries: same data, same threads, interleaved.

Experiments: grid (exact search over many shapes), pareto (speed against recall), single (one query on a
million rows, with the share of the memory's bandwidth), load (opening, adding, importing), codes (recall,
distortion and speed of small codes), kmeans (seconds and objective), certified (exact search by int8 first,
and where that could cost something), ivf (partitions: speed at equal recall, building, memory).

Writes JSON, tables and pictures to out/versus. Makes its own environment in build/versus-env.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import environment

EXPERIMENTS = ("grid", "pareto", "single", "load", "codes", "kmeans", "certified", "ivf")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help=f"{', '.join(EXPERIMENTS)}; default: grid")
    parser.add_argument("--quick", action="store_true", help="fewer shapes, less data, fewer repeats")
    parser.add_argument("--threads", type=numbers, default=None, help="thread counts, e.g. 1,2 (default: 1)")
    parser.add_argument("--metric", type=words, default=["l2"], help="from l2, ip; certified also knows cosine")
    parser.add_argument("--subject", default="knear", help="whose speed is the one to judge")
    parser.add_argument("--rivals", type=words, default=None, help="from faiss, hnswlib, usearch, numpy")
    parser.add_argument("--dims", type=numbers, default=None, help="dimensions of the grid")
    parser.add_argument("--nq", type=numbers, default=None, help="batch sizes of grid, certified or ivf")
    parser.add_argument("--k", type=numbers, default=None, help="numbers of neighbours of grid or certified")
    parser.add_argument(
        "--data",
        default=None,
        help="data set of pareto, codes, kmeans, certified or ivf: fashion, sift, words, clustered-N-D",
    )
    parser.add_argument("--gigabytes", type=float, default=None, help="size of the index of load (default: 3)")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall",
                        help="cpu: the process's own time, for one thread on a busy machine")  # fmt: skip
    parser.add_argument("--out", type=Path, default=environment.ROOT / "out" / "versus")
    parser.add_argument("--update", action="store_true", help="install the newest version of every rival")
    parser.add_argument("--no-install", action="store_true", help="run with this Python and what it has")
    options = parser.parse_args()
    unknown = set(options.experiments) - set(EXPERIMENTS)
    if unknown:
        parser.error(f"no such experiment: {', '.join(sorted(unknown))}")
    return options


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def words(text: str) -> list[str]:
    return text.split(",")


def main() -> int:
    options = arguments()
    if not options.no_install and not environment.is_inside():
        environment.prepare(options.update)
        environment.enter(sys.argv)
    options.out.mkdir(parents=True, exist_ok=True)
    import report

    code = 0
    for name in options.experiments or ["grid"]:
        result = importlib.import_module(name).run(options)
        report.write(options.out, name, result)
        code = code or int(options.subject in result["failed"])
    return code


if __name__ == "__main__":
    sys.exit(main())
