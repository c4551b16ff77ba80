#!/usr/bin/env python3
"""Finds the ten nearest of 60,000 pictures for each of 10,000 others, and shows them.

The pictures are Fashion-MNIST: 28 x 28 grey values, searched as vectors of 784 numbers. What this does, in
order: add, search, check against brute force, save, open again, compare stored types, draw.

    python examples/picture_gallery.py            writes out/demo/{index.html,sprites.png,gallery.png,speed.png}
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import knear
import numpy as np
import picture_gallery_view as view

DATA = Path("/usr/share/datasets/fashion-mnist")  # Debian: apt install dataset-fashion-mnist
CLASSES = ["T-shirt", "Trousers", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
STORED_TYPES = ["float32", "float16", "bfloat16", "uint8"]
BATCHES = [1, 10, 100, 1000, 10000]
K = 10
CHECKED = 200  # queries whose lists are compared with brute force


def main() -> None:
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    pictures, labels = read_pictures(options.data, "train"), read_labels(options.data, "train")
    queries, query_labels = read_pictures(options.data, "t10k"), read_labels(options.data, "t10k")
    say("machine", f"{cpu_name()}, {knear.num_threads()} threads, {knear.cpu_level()}; knear {knear.__version__}")
    say("pictures", f"{len(pictures):,} to search in, {len(queries):,} to look up, {pictures.shape[1]} numbers each")

    facts: dict[str, Any] = {"count": len(pictures), "queries": len(queries), "threads": knear.num_threads()}
    index = add(pictures, facts)
    distances, ids = search(index, queries, facts)
    truth = brute_force(pictures, queries[:CHECKED])
    check(ids, truth, facts)
    compare_labels(labels[ids[:, 0]], query_labels, facts)
    save_and_open(index, queries, ids, options.out / "fashion.knear", facts)
    facts["batches"] = speed_by_batch(index, queries)
    facts["types"] = [stored_type(name, pictures, queries, truth) for name in STORED_TYPES]

    show(options.out, view.Gallery(pictures, queries, labels, query_labels, distances, ids, CLASSES), facts)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the IDX files (*-ubyte.gz)")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for what is drawn")
    return parser.parse_args()


def read_pictures(folder: Path, part: str) -> np.ndarray:
    """n x 784 grey values, uint8, of an IDX file: a header of 16 bytes, then the values."""
    return read(folder / f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28 * 28)


def read_labels(folder: Path, part: str) -> np.ndarray:
    """n class numbers, uint8: a header of 8 bytes, then one byte each."""
    return read(folder / f"{part}-labels-idx1-ubyte.gz", 8)


def read(path: Path, header_bytes: int) -> np.ndarray:
    if not path.exists():
        sys.exit(f"{path} is missing. On Debian: apt install dataset-fashion-mnist; elsewhere name its folder: --data")
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header_bytes)


def add(pictures: np.ndarray, facts: dict[str, Any]) -> knear.Index:
    index = knear.index("Flat", pictures.shape[1], metric="l2")
    facts["add_seconds"] = seconds(partial(index.add, pictures))
    facts["memory_bytes"] = index.stats.memory_bytes
    say("add", f"{facts['add_seconds']:.2f} s, {megabytes(facts['memory_bytes'])} as float32")
    return index


def search(index: knear.Index, queries: np.ndarray, facts: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    start = time.perf_counter()
    distances, ids = index.search(queries, K, progress=True)
    facts["qps"] = len(queries) / (time.perf_counter() - start)
    alone = [seconds(partial(index.search, query[None], K)) for query in queries[:50]]
    facts["latency_ms"] = float(np.median(alone)) * 1e3
    say("search", f"{facts['qps']:,.0f} queries per second in one batch; one query alone {facts['latency_ms']:.2f} ms")
    return distances, ids


def brute_force(pictures: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The ids of the K nearest, nearest first, smaller id first among equals. Grey values are whole numbers,
    so float64 holds every squared distance exactly."""
    wide, asked = pictures.astype(np.float64), queries.astype(np.float64)
    away = (wide**2).sum(1) + (asked**2).sum(1)[:, None] - 2 * asked @ wide.T
    return np.argsort(away, axis=1, kind="stable")[:, :K]


def check(ids: np.ndarray, truth: np.ndarray, facts: dict[str, Any]) -> None:
    facts["checked"] = len(truth)
    facts["exact_lists"] = int((ids[: len(truth)] == truth).all(1).sum())
    facts["recall"] = knear.recall(ids[: len(truth)], truth, K)
    say("check", f"recall@{K} {facts['recall']:.4f}; {facts['exact_lists']} of {len(truth)} lists equal a brute force "
                 "in float64, in order")  # fmt: skip


def compare_labels(found: np.ndarray, wanted: np.ndarray, facts: dict[str, Any]) -> None:
    facts["agreement"] = float((found == wanted).mean())
    say("labels", f"the nearest picture shows the same kind of thing for {facts['agreement']:.2%} of the queries")


def save_and_open(index: knear.Index, queries: np.ndarray, ids: np.ndarray, path: Path, facts: dict[str, Any]) -> None:
    """Saves, opens by mmap, and makes sure that the answers are the same."""
    facts["save_seconds"] = seconds(partial(index.save, path))
    start = time.perf_counter()
    again = knear.load(path, mmap=True)
    facts["open_ms"] = (time.perf_counter() - start) * 1e3
    facts["file_bytes"] = path.stat().st_size
    same = np.array_equal(again.search(queries[:1000], K)[1], ids[:1000])
    say("file", f"{megabytes(facts['file_bytes'])} saved in {facts['save_seconds']:.2f} s, opened in "
                f"{facts['open_ms']:.2f} ms, answers {'the same' if same else 'DIFFER'}")  # fmt: skip


def speed_by_batch(index: knear.Index, queries: np.ndarray) -> list[dict[str, float]]:
    """Queries per second when so many are asked together: the best of a few."""
    points = []
    for batch in BATCHES:
        tries = 2 if batch > 1000 else 5
        best = min(seconds(partial(index.search, queries[:batch], K)) for _ in range(tries))
        points.append({"batch": batch, "qps": batch / best})
    return points


def stored_type(name: str, pictures: np.ndarray, queries: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Speed, size and recall when the rows are kept as another type."""
    index = knear.index("Flat", pictures.shape[1], metric="l2", dtype=name)
    index.add(pictures)
    ids = index.search(queries[:1000], K)[1]
    best = min(seconds(partial(index.search, queries[:1000], K)) for _ in range(3))
    point = {"name": name, "vector_bytes": index.stats.code_bytes, "qps": 1000 / best,
             "recall": knear.recall(ids[: len(truth)], truth, K)}  # fmt: skip
    say(name, f"{point['vector_bytes']:5,} bytes per picture, {point['qps']:,.0f} queries per second, "
              f"recall@{K} {point['recall']:.4f}")  # fmt: skip
    return point


def show(folder: Path, gallery: view.Gallery, facts: dict[str, Any]) -> None:
    facts |= {"cpu": cpu_name(), "isa": knear.cpu_level(), "version": knear.__version__, "k": K}
    view.write_page(folder, gallery, facts)
    try:
        view.draw(folder, gallery, facts)
    except ImportError:
        say("pictures", "matplotlib is missing (pip install matplotlib): gallery.png and speed.png were not drawn")
    say("look at", f"{folder / 'index.html'} and {folder / 'gallery.png'}")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cpu_name() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def megabytes(count: float) -> str:
    return f"{count / 1e6:,.0f} MB"


def say(what: str, text: str) -> None:
    print(f"{what:>9}  {text}", flush=True)


if __name__ == "__main__":
    main()
