"""knear itself, by its Python package."""

from __future__ import annotations

from typing import Any

import knear
import numpy as np

from rivals.base import Rival


class Knear(Rival):
    name = "knear"
    _knobs: dict[str, int] = {}

    def version(self) -> str:
        return str(knear.__version__)

    def facts(self) -> dict[str, Any]:
        return {"instruction_set": knear.cpu_level()}

    def set_threads(self, threads: int) -> None:
        knear.set_num_threads(threads)

    def build(self, rows: np.ndarray, metric: str, spec: str) -> None:
        self.index = knear.index(spec, rows.shape[1], metric=metric)
        self.index.train(rows)
        self.index.add(rows)

    def add(self, rows: np.ndarray) -> None:
        self.index.add(rows)

    def tune(self, **knobs: float) -> None:
        self._knobs = {name: int(value) for name, value in knobs.items()}

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        return self.index.search(queries, k, **self._knobs)

    def work(self, queries: np.ndarray, k: int) -> int:
        return int(self.index.search(queries, k, return_stats=True)[2].rows_reranked)

    def stats(self) -> dict[str, Any]:
        stats = self.index.stats
        return {"shadow_bytes": int(stats.shadow_bytes), "shadow": stats.shadow}

    def round_trip(self, rows: np.ndarray) -> tuple[int, np.ndarray]:
        codes = self.index.sa_encode(rows)
        return codes.shape[1], self.index.sa_decode(codes)

    def kmeans(self, rows: np.ndarray, k: int, niter: int, seed: int, most: int) -> np.ndarray:
        kmeans = knear.Kmeans(rows.shape[1], k, niter=niter, seed=seed, max_points_per_centroid=most)
        kmeans.train(rows)
        return kmeans.centroids

    def save(self, path: str) -> None:
        self.index.save(path)

    def load(self, path: str) -> str:
        self.index = knear.load(path, mmap=True)
        return "mmap"


class KnearFp32(Knear):
    """knear told to compare by float32 only."""

    name = "knear_fp32"

    def build(self, rows: np.ndarray, metric: str, spec: str) -> None:
        super().build(rows, metric, spec.replace("Flat", "Flat,exact=fp32"))
