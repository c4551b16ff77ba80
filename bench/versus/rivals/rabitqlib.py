"""rabitqlib, by its authors: RaBitQ codes in lists."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any

import numpy as np
import rabitqlib

from rivals.base import Rival, Unsupported


NONE = 2**32 - 1  # where there is no result


class Rabitqlib(Rival):
    name = "rabitqlib"

    def __init__(self) -> None:
        self._threads = 1
        self._nprobe = 1

    def version(self) -> str:
        return version("rabitqlib")

    def set_threads(self, threads: int) -> None:
        self._threads = threads

    def build(self, rows: np.ndarray, metric: str, spec: str) -> None:
        found = re.fullmatch(r"IVF(\d+),RaBitQ(\d)", spec)
        if not found or metric not in ("l2", "ip"):
            raise Unsupported(f"rabitqlib has no {spec} under {metric} here")
        lists, bits = int(found[1]), int(found[2])
        rows = np.ascontiguousarray(rows)
        kmeans: Any = rabitqlib.RaBitQKMeans(rows.shape[1], lists, num_threads=self._threads, niter=10)
        kmeans.train(rows)
        self.index = rabitqlib.IvfIndex(rows.shape[1], len(rows), lists, bits, metric)
        self.index.build(rows, kmeans.centroids, kmeans.assignments, num_threads=self._threads)

    def tune(self, **knobs: float) -> None:
        self._nprobe = int(knobs["nprobe"])

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        ids, distances = self.index.search(queries, k, self._nprobe, num_threads=self._threads)
        ids = np.asarray(ids).astype(np.int64)
        return distances, np.where(ids == NONE, -1, ids)
