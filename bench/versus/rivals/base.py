"""What a library must offer to be compared."""

from __future__ import annotations

import abc
from typing import Any

import numpy as np

HNSW_EF_CONSTRUCTION = 200  # the same for every library's graph


class Unsupported(Exception):
    """The library has no such index, metric or operation."""


class Rival(abc.ABC):
    """One library holding one index.

    Rows and queries are float32, n x dim and C-contiguous. Specs are factory strings that all
    rivals share: "Flat" (exact), "Flat,dtype=float16", "HNSW16", "IVF1024,Flat".
    """

    name: str

    @abc.abstractmethod
    def version(self) -> str: ...

    def facts(self) -> dict[str, Any]:
        """Which build is running: compile options, instruction set, BLAS."""
        return {}

    @abc.abstractmethod
    def set_threads(self, threads: int) -> None: ...

    @abc.abstractmethod
    def build(self, rows: np.ndarray, metric: str, spec: str) -> None:
        """Makes an index of the rows, in the place of the one before. May raise Unsupported."""

    def add(self, rows: np.ndarray) -> None:
        """Adds more rows to the index that was built."""
        raise Unsupported(f"{self.name} adds no rows here")

    def tune(self, **knobs: float) -> None:
        """Sets search-time knobs by their famous names: efSearch, nprobe."""
        if knobs:
            raise Unsupported(f"{self.name} has no {', '.join(knobs)} for this index")

    @abc.abstractmethod
    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and ids, both nq x k, nearest first."""

    def work(self, queries: np.ndarray, k: int) -> int:
        """How many pairs of query and row this search ranks by the exact distance, after all filters."""
        raise Unsupported(f"{self.name} does not tell")

    def stats(self) -> dict[str, Any]:
        """What the index tells about itself."""
        return {}

    def round_trip(self, rows: np.ndarray) -> tuple[int, np.ndarray]:
        """Bytes of a code of the index, and the rows after encoding and decoding."""
        raise Unsupported(f"{self.name} has no codec here")

    def kmeans(self, rows: np.ndarray, k: int, niter: int, seed: int, most: int) -> np.ndarray:
        """k centroids; of more than `most` rows for each, a sample is used."""
        raise Unsupported(f"{self.name} has no k-means here")

    def save(self, path: str) -> None:
        raise Unsupported(f"{self.name} does not save this index")

    def load(self, path: str) -> str:
        """Opens a saved index the fastest way there is; returns the name of that way."""
        raise Unsupported(f"{self.name} does not load this index")


def hnsw_edges(spec: str) -> int | None:
    """16 of "HNSW16"; None for other specs."""
    return int(spec[4:]) if spec.startswith("HNSW") and spec[4:].isdigit() else None
