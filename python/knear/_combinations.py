"""Quantizers of indexes with cells, whose centroids are combinations."""

from __future__ import annotations

from ._knear import METRIC_L2, Index
from .typing import MetricLike


class _Combinations(Index):
    """A quantizer of many cells at the price of few: its rows are all combinations of the entries of some codebooks.

    Training gives it all of them at once; nothing is added to it or removed. An index with cells trains it with itself.
    """

    __module__ = "knear"
    __slots__ = ()

    @property
    def M(self) -> int:
        """Number of codebooks."""
        return self._shape()[0]

    @property
    def nbits(self) -> int:
        """A codebook has 2 ** nbits entries."""
        return self._shape()[1]

    def _shape(self) -> tuple[int, int]:
        M, nbits = self.spec[3:].split(",")[0].split("x")
        return int(M), int(nbits)


class MultiIndexQuantizer(_Combinations):
    """The inverted multi-index: vectors are cut into M sub-vectors, each with 2 ** nbits centroids; M * nbits <= 24.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).random((2000, 16), dtype="float32")
    >>> index = knear.IndexIVFPQ(knear.MultiIndexQuantizer(16, 2, 5), 16, 1024, 8, 4)
    >>> index.train(x)
    >>> index.add(x)
    2000
    >>> index.spec, index.quantizer.ntotal
    ('IMI2x5,PQ8x4', 1024)
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, M: int, nbits: int, metric: MetricLike = METRIC_L2) -> None:
        super().__init__(f"IMI{M}x{nbits}", d, metric)


class ResidualCoarseQuantizer(_Combinations):
    """Sums of an entry of each of M levels, which k-means learns from what the levels before it left; M * nbits <= 24.

    Under L2 a search for k cells follows k * beam_factor sums from level to level, and what it finds is approximate; a
    negative beam_factor looks at all cells. Under inner product searches are exact.

    >>> knear.ResidualCoarseQuantizer(16, 2, 8).spec
    'RCQ2x8'
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, M: int, nbits: int, metric: MetricLike = METRIC_L2, *, beam_factor: float = 4.0) -> None:
        super().__init__(f"RCQ{M}x{nbits},beam_factor={beam_factor:g}", d, metric)

    @property
    def beam_factor(self) -> float:
        """Sums that are followed for each cell that is looked for; negative: all."""
        return float(self.spec.partition("beam_factor=")[2] or 4)
