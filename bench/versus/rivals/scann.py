"""ScaNN, by Google: 4-bit codes of residuals in lists, trained for inner products, and the rows to rank again."""

from __future__ import annotations

import re
from importlib.metadata import version

import numpy as np
from scann import scann_ops_pybind

from rivals.base import Rival, Unsupported

DISTANCES = {"l2": "squared_l2", "ip": "dot_product"}


class Scann(Rival):
    name = "scann"

    def __init__(self) -> None:
        self._threads = 1
        self._leaves = 1

    def version(self) -> str:
        return version("scann")

    def set_threads(self, threads: int) -> None:
        self._threads = threads

    def build(self, rows: np.ndarray, metric: str, spec: str) -> None:
        found = re.fullmatch(r"IVF(\d+),AH(\d+),R(\d+)", spec)
        if not found or metric not in DISTANCES:
            raise Unsupported(f"scann has no {spec} under {metric} here")
        lists, per_block, again = (int(found[i]) for i in (1, 2, 3))
        builder = scann_ops_pybind.builder(np.ascontiguousarray(rows), 10, DISTANCES[metric])
        builder.set_n_training_threads(self._threads)
        builder.tree(num_leaves=lists, num_leaves_to_search=1, training_sample_size=len(rows))
        builder.score_ah(per_block, anisotropic_quantization_threshold=0.2)
        self.index = builder.reorder(again).build()
        self.index.set_num_threads(self._threads)

    def tune(self, **knobs: float) -> None:
        self._leaves = int(knobs["nprobe"])

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        many = self.index.search_batched if self._threads == 1 else self.index.search_batched_parallel
        if len(queries) == 1:
            ids, distances = self.index.search(queries[0], k, leaves_to_search=self._leaves)
            return distances[None], ids[None].astype(np.int64)
        ids, distances = many(queries, k, leaves_to_search=self._leaves)
        return distances, ids.astype(np.int64)
