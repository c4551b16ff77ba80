"""The right answers, by brute force in float64, and how many lists are right."""

from __future__ import annotations

import functools

import data
import numpy as np

SAMPLE = 16  # queries that are checked in every cell of the grid


@functools.lru_cache(maxsize=4)
def _all_distances(data_name: str, metric: str, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Smaller-is-closer float64 distances of the first `count` queries to every row; the same sorted; tolerances.

    The tolerance is what summing in float64 in another order may change.
    """
    rows, queries = data.load(data_name)
    wide = queries[:count].astype(np.float64)
    away = np.empty((len(wide), len(rows)))
    scale = np.zeros(len(wide))
    for i in range(0, len(rows), 8192):
        block = rows[i : i + 8192].astype(np.float64)
        largest = np.sqrt((block**2).sum(1).max())
        for j, query in enumerate(wide):
            away[j, i : i + 8192] = ((block - query) ** 2).sum(1) if metric == "l2" else -(block @ query)
            scale[j] = max(scale[j], largest * np.sqrt(query @ query))
    return away, np.sort(away, axis=1), scale * 1e-13


def exact_lists(data_name: str, metric: str, ids: np.ndarray) -> int:
    """How many rows of ids are exactly the k nearest, in order: at every place the float64 distance is the
    right one (equal distances may come in any order)."""
    away, ordered, tolerance = _all_distances(data_name, metric, max(SAMPLE, len(ids)))
    right = 0
    for j, found in enumerate(ids):
        distinct = len(set(found.tolist())) == len(found) and found.min() >= 0
        off = np.abs(away[j, found] - ordered[j, : len(found)]).max()
        right += bool(distinct and off <= tolerance[j])
    return right


def recall(data_name: str, metric: str, ids: np.ndarray) -> float:
    """recall@k by distance: the share of found ids that are as near as the k-th nearest."""
    away, ordered, tolerance = _all_distances(data_name, metric, len(ids))
    k = ids.shape[1]
    found = np.take_along_axis(away, np.maximum(ids, 0), axis=1)
    near = (found <= (ordered[:, k - 1] + tolerance)[:, None]) & (ids >= 0)
    return float(near.mean())
