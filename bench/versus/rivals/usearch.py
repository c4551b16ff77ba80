"""usearch: a graph, and its exact search over an array."""

from __future__ import annotations

import numpy as np
import usearch
from usearch.index import Index
from usearch.index import search as exact_search

from rivals.base import HNSW_EF_CONSTRUCTION, Rival, Unsupported, hnsw_edges

_METRIC = {"l2": "l2sq", "ip": "ip"}


class Usearch(Rival):
    name = "usearch"
    threads = 1

    def version(self) -> str:
        return str(usearch.__version__)

    def facts(self) -> dict[str, str]:
        return {"instruction_set": str(Index(ndim=8).hardware_acceleration)}

    def set_threads(self, threads: int) -> None:
        self.threads = threads

    def build(self, rows: np.ndarray, metric: str, spec: str) -> None:
        self.metric = _METRIC[metric]
        self.graph = None
        edges = hnsw_edges(spec)
        if edges:
            self.graph = Index(ndim=rows.shape[1], metric=self.metric, dtype="f32", connectivity=edges,
                               expansion_add=HNSW_EF_CONSTRUCTION)  # fmt: skip
            self.graph.add(np.arange(len(rows)), rows, threads=self.threads)
        elif spec == "Flat":
            self.rows = np.array(rows)
        else:
            raise Unsupported(f"usearch has no {spec}")

    def tune(self, **knobs: float) -> None:
        if self.graph is None:
            raise Unsupported("usearch: only the graph has efSearch")
        self.graph.expansion_search = int(knobs["efSearch"])

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        if self.graph is None:
            found = exact_search(self.rows, queries, k, self.metric, exact=True, threads=self.threads)
        else:
            found = self.graph.search(queries, k, threads=self.threads)
        shape = (len(queries), k)
        return found.distances.reshape(shape), found.keys.reshape(shape).astype(np.int64)
