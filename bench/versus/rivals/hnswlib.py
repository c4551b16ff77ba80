"""hnswlib: a graph, and an exact index for comparison."""

from __future__ import annotations

from importlib.metadata import version

import hnswlib
import numpy as np

from rivals.base import HNSW_EF_CONSTRUCTION, Rival, Unsupported, hnsw_edges


class Hnswlib(Rival):
    name = "hnswlib"
    threads = 1

    def version(self) -> str:
        return version("hnswlib")

    def set_threads(self, threads: int) -> None:
        self.threads = threads

    def build(self, rows: np.ndarray, metric: str, spec: str) -> None:
        n, dim = rows.shape
        edges = hnsw_edges(spec)
        if edges:
            self.index = hnswlib.Index(space=metric, dim=dim)
            self.index.init_index(n, M=edges, ef_construction=HNSW_EF_CONSTRUCTION)
            self.index.add_items(rows, num_threads=self.threads)
        elif spec == "Flat":
            self.index = hnswlib.BFIndex(space=metric, dim=dim)
            self.index.init_index(n)
            self.index.add_items(rows)
        else:
            raise Unsupported(f"hnswlib has no {spec}")

    def tune(self, **knobs: float) -> None:
        self.index.set_ef(int(knobs["efSearch"]))

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        ids, distances = self.index.knn_query(queries, k=k, num_threads=self.threads)
        return distances, ids.astype(np.int64)
