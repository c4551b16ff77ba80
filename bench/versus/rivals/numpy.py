"""Brute force in numpy: the obvious program, as a yardstick."""

from __future__ import annotations

import numpy as np

from rivals.base import Rival, Unsupported


class Numpy(Rival):
    name = "numpy"

    def version(self) -> str:
        return np.__version__

    def set_threads(self, threads: int) -> None:
        """BLAS threads come from the environment, which the harness sets before numpy starts."""

    def build(self, rows: np.ndarray, metric: str, spec: str) -> None:
        if spec != "Flat":
            raise Unsupported(f"numpy has no {spec}")
        self.rows = np.array(rows)
        self.metric = metric
        self.norms = np.einsum("ij,ij->i", self.rows, self.rows)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        distances = np.empty((len(queries), k), np.float32)
        ids = np.empty((len(queries), k), np.int64)
        for i in range(0, len(queries), 256):
            distances[i : i + 256], ids[i : i + 256] = self._search_some(queries[i : i + 256], k)
        return distances, ids

    def _search_some(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        dots = queries @ self.rows.T
        if self.metric == "l2":
            away = (queries**2).sum(1)[:, None] + self.norms - 2 * dots
        else:
            away = -dots
        ids = np.argpartition(away, min(k, away.shape[1] - 1), axis=1)[:, :k]
        values = np.take_along_axis(away, ids, axis=1)
        order = np.argsort(values, axis=1, kind="stable")
        values = np.take_along_axis(values, order, axis=1)
        return (values if self.metric == "l2" else -values), np.take_along_axis(ids, order, axis=1)
