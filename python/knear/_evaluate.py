"""Honest measurement of an index in one call."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from ._knear import Index, recall


class Evaluation(NamedTuple):
    """What evaluate() measured."""

    recall: float
    """recall@k against the truth."""
    qps: float
    """Queries per second when all are searched in one call."""
    latencies: list[float]
    """Seconds of searches for one query each, in the order of the queries."""

    def percentile(self, share: float) -> float:
        """The latency in seconds that `share` (0 to 1) of the single searches stayed within.

        >>> knear.Evaluation(1.0, 100.0, [0.3, 0.1, 0.2]).percentile(0.5)
        0.2
        """
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def evaluate(
    index: Index, queries: Any, truth: Any, k: int = 10, *, singles: int = 1000, num_threads: int | None = None
) -> Evaluation:
    """Measures recall@k, queries per second and single-query latencies of an index.

    queries: an array of shape (nq, dim). truth: ids of shape (nq, at least k), nearest first.
    singles: how many queries are searched one at a time, for the latencies.

    >>> import numpy
    >>> x = numpy.eye(8, dtype="float32")
    >>> index = knear.IndexFlatL2(8)
    >>> index.add(x)
    8
    >>> knear.evaluate(index, x, numpy.arange(8)[:, None], k=1).recall
    1.0
    """
    index.search(queries[:1], k, num_threads=num_threads)
    start = time.perf_counter()
    found = index.search(queries, k, num_threads=num_threads)[1]
    seconds = time.perf_counter() - start
    latencies = []
    for i in range(min(singles, len(queries))):
        start = time.perf_counter()
        index.search(queries[i : i + 1], k, num_threads=num_threads)
        latencies.append(time.perf_counter() - start)
    return Evaluation(recall(found, truth, k), len(queries) / max(seconds, 1e-9), latencies)
