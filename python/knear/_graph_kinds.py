"""Graphs of one level, and the class of any graph."""

from __future__ import annotations

from ._graphs import Graph, IndexHNSW, IndexHNSW2Level, IndexHNSWFlat, IndexHNSWPQ, IndexHNSWSQ, edges_text, sq_text
from ._knear import (
    METRIC_L2,
    Index,
    _alpha_of,
    _ef_construction_of,
    _ef_search_of,
    _graph_stats_of,
    _M_of,
    _near_rows_of,
    _set_ef_construction,
    _set_ef_search,
)
from ._sq_specs import ScalarQuantizer
from .typing import MetricLike


class NSG:
    """The graph of an IndexNSG, as it is at the moment of each call: `index.nsg`."""

    __module__ = "knear"
    __slots__ = ("_index",)

    def __init__(self, index: Index) -> None:
        self._index = index

    @property
    def R(self) -> int:
        """Edges that a vector may have."""
        return _M_of(self._index)

    @property
    def L(self) -> int:
        """Near vectors that edges are chosen from; also `index.ef_construction`."""
        return _ef_construction_of(self._index)

    @L.setter
    def L(self, ef: int) -> None:
        _set_ef_construction(self._index, ef)

    @property
    def search_L(self) -> int:
        """How many of the nearest a walk keeps that does not say itself; also `index.ef_search`."""
        return _ef_search_of(self._index)

    @search_L.setter
    def search_L(self, ef: int) -> None:
        _set_ef_search(self._index, ef)

    @property
    def enterpoint(self) -> int:
        """Id of the vector where walks begin, in the middle of all; -1 when there is none."""
        return _graph_stats_of(self._index).entry


class IndexNSG(Graph):
    """A navigating spreading-out graph over codes of any kind: R edges of a vector, one level.

    near_rows: vectors near to each that building begins with; the field's GK.
    Unlike elsewhere, vectors may be added in any number of calls, removed and updated.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).random((2000, 16), dtype="float32")
    >>> index = knear.IndexNSG(16, 24, codes="SQ8")
    >>> index.train(x)
    >>> index.add(x)
    2000
    >>> index.nsg.search_L = 80
    >>> index.search(x[:3], 1)[1].tolist(), index.spec
    ([[0], [1], [2]], 'NSG24,ef_search=80,SQ8')
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, R: int = 32, metric: MetricLike = METRIC_L2, *, codes: str = "Flat", near_rows: int = 48,
        on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(f"NSG{edges_text(R)},near_rows={near_rows},{codes}", d, metric, on_duplicate=on_duplicate)

    @property
    def nsg(self) -> NSG:
        """The graph: search_L, R, enterpoint, ..."""
        return NSG(self)

    @property
    def GK(self) -> int:
        """Vectors near to each that building begins with."""
        return _near_rows_of(self)


class IndexNSGFlat(IndexNSG):
    """A navigating spreading-out graph over vectors as they are."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, R: int = 32, metric: MetricLike = METRIC_L2, *, on_duplicate: str = "error") -> None:
        super().__init__(d, R, metric, on_duplicate=on_duplicate)


class IndexNSGPQ(IndexNSG):
    """A navigating spreading-out graph over product quantizer codes of pq_m sub-vectors of `pq_nbits` bits."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, pq_m: int, R: int = 32, pq_nbits: int = 8, metric: MetricLike = METRIC_L2,
        *, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(d, R, metric, codes=f"PQ{pq_m}x{pq_nbits}", on_duplicate=on_duplicate)


class IndexNSGSQ(IndexNSG):
    """A navigating spreading-out graph over elements rounded on their own; `qtype` is a ScalarQuantizer.QT_..."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, qtype: int = ScalarQuantizer.QT_8bit, R: int = 32, metric: MetricLike = METRIC_L2,
        *, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(d, R, metric, codes=sq_text(qtype), on_duplicate=on_duplicate)


class IndexVamana(Graph):
    """The graph of DiskANN over codes of any kind: R edges of a vector, one level, long edges among them.

    alpha: a vector gets no edge when one chosen before is so many times nearer to it; of METRIC_L2 in squared distances.

    >>> index = knear.IndexVamana(16, 24, alpha=1.3)
    >>> index.spec, index.R
    ('Vamana24,alpha=1.3,Flat', 24)
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, R: int = 32, metric: MetricLike = METRIC_L2, *, codes: str = "Flat", alpha: float = 1.2,
        on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(f"Vamana{edges_text(R)},alpha={alpha},{codes}", d, metric, on_duplicate=on_duplicate)

    @property
    def R(self) -> int:
        """Edges that a vector may have."""
        return _M_of(self)

    @property
    def alpha(self) -> float:
        """How many times nearer one has to be to leave another out."""
        return round(_alpha_of(self), 6)


class IndexVamanaFlat(IndexVamana):
    """The graph of DiskANN over vectors as they are."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, R: int = 32, metric: MetricLike = METRIC_L2, *, alpha: float = 1.2, on_duplicate: str = "error"
    ) -> None:
        super().__init__(d, R, metric, alpha=alpha, on_duplicate=on_duplicate)


class IndexVamanaPQ(IndexVamana):
    """The graph of DiskANN over product quantizer codes of pq_m sub-vectors of `pq_nbits` bits."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, pq_m: int, R: int = 32, pq_nbits: int = 8, metric: MetricLike = METRIC_L2,
        *, alpha: float = 1.2, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(d, R, metric, codes=f"PQ{pq_m}x{pq_nbits}", alpha=alpha, on_duplicate=on_duplicate)


class IndexVamanaSQ(IndexVamana):
    """The graph of DiskANN over elements rounded on their own; `qtype` is a ScalarQuantizer.QT_..."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, qtype: int = ScalarQuantizer.QT_8bit, R: int = 32, metric: MetricLike = METRIC_L2,
        *, alpha: float = 1.2, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(d, R, metric, codes=sq_text(qtype), alpha=alpha, on_duplicate=on_duplicate)


class NNDescent:
    """The graph of an IndexNNDescent, as it is at the moment of each call: `index.nndescent`."""

    __module__ = "knear"
    __slots__ = ("_index",)

    def __init__(self, index: Index) -> None:
        self._index = index

    @property
    def K(self) -> int:
        """Near vectors that each has edges to."""
        return _M_of(self._index)

    @property
    def search_L(self) -> int:
        """How many of the nearest a walk keeps that does not say itself; also `index.ef_search`."""
        return _ef_search_of(self._index)

    @search_L.setter
    def search_L(self, ef: int) -> None:
        _set_ef_search(self._index, ef)


class IndexNNDescent(Graph):
    """Edges to the K nearest of each vector, which NN-descent finds, and back from as many; over codes of any kind.

    Vectors may be added in any number of calls, removed and updated. knear.knn_graph() gives near vectors themselves.

    >>> index = knear.IndexNNDescent(16, 24)
    >>> index.nndescent.search_L = 80
    >>> index.spec
    'NNDescent24,ef_search=80,Flat'
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, K: int = 32, metric: MetricLike = METRIC_L2, *, codes: str = "Flat", on_duplicate: str = "error"
    ) -> None:
        super().__init__(f"NNDescent{edges_text(K)},{codes}", d, metric, on_duplicate=on_duplicate)

    @property
    def nndescent(self) -> NNDescent:
        """The graph: search_L and K."""
        return NNDescent(self)


class IndexNNDescentFlat(IndexNNDescent):
    """Edges to the K nearest of each vector, over vectors as they are."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, K: int = 32, metric: MetricLike = METRIC_L2, *, on_duplicate: str = "error") -> None:
        super().__init__(d, K, metric, on_duplicate=on_duplicate)


# By the beginning of the spec, then by that of its codes.
_BY_KIND: dict[str, tuple[type[Graph], dict[str, type[Graph]]]] = {
    "HNSW": (IndexHNSW, {"Flat": IndexHNSWFlat, "SQ": IndexHNSWSQ, "PQ": IndexHNSWPQ}),
    "NSG": (IndexNSG, {"Flat": IndexNSGFlat, "SQ": IndexNSGSQ, "PQ": IndexNSGPQ}),
    "Vamana": (IndexVamana, {"Flat": IndexVamanaFlat, "SQ": IndexVamanaSQ, "PQ": IndexVamanaPQ}),
    "NNDescent": (IndexNNDescent, {"Flat": IndexNNDescentFlat}),
}


def graph_class(stages: list[str]) -> type[Index]:
    """The class of a graph from the stages of its spec."""
    every, by_codes = next(classes for kind, classes in _BY_KIND.items() if stages[0].startswith(kind))
    if stages[-1] == "FlatDedup":
        return every
    if stages[-1].startswith("PQ") and "+" in stages[-1]:
        return IndexHNSW2Level if every is IndexHNSW else every
    return next((cls for codes, cls in by_codes.items() if stages[-1].startswith(codes)), every)
