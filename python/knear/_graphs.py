"""Indexes that walk along edges between near vectors."""

from __future__ import annotations

from ._errors import InvalidArgument
from ._knear import (
    METRIC_L2,
    GraphStats,
    Index,
    _ef_construction_of,
    _ef_search_of,
    _graph_stats_of,
    _M_of,
    _set_ef_construction,
    _set_ef_search,
)
from ._sq_specs import SQ_SPECS, ScalarQuantizer
from .typing import MetricLike


def edges_text(count: int) -> int:
    if count < 0:
        raise InvalidArgument(f"{count} edges of a vector; there must be some")
    return count


def sq_text(qtype: int) -> str:
    if not 0 <= qtype < len(SQ_SPECS):
        raise InvalidArgument(f"qtype = {qtype}; it must be one of ScalarQuantizer.QT_..., 0 to {len(SQ_SPECS) - 1}")
    return SQ_SPECS[qtype]


class HNSW:
    """The graph of an IndexHNSW, as it is at the moment of each call: `index.hnsw`."""

    __module__ = "knear"
    __slots__ = ("_index",)

    def __init__(self, index: Index) -> None:
        self._index = index

    @property
    def M(self) -> int:
        """Edges of a vector on each level; twice as many on the lowest."""
        return _M_of(self._index)

    @property
    def efSearch(self) -> int:
        """How many of the nearest a walk keeps that does not say itself; also `index.ef_search`."""
        return _ef_search_of(self._index)

    @efSearch.setter
    def efSearch(self, ef: int) -> None:
        _set_ef_search(self._index, ef)

    @property
    def efConstruction(self) -> int:
        """Near vectors that edges of an added one are chosen from; also `index.ef_construction`."""
        return _ef_construction_of(self._index)

    @efConstruction.setter
    def efConstruction(self, ef: int) -> None:
        _set_ef_construction(self._index, ef)

    @property
    def max_level(self) -> int:
        """Levels above the lowest; -1 when there are no vectors."""
        stats = _graph_stats_of(self._index)
        return stats.top_level if stats.entry >= 0 else -1

    @property
    def entry_point(self) -> int:
        """Id of the vector where walks begin; -1 when there is none."""
        return _graph_stats_of(self._index).entry

    def nb_neighbors(self, layer_no: int) -> int:
        """Edges that a vector may have on a level."""
        if layer_no < 0:
            raise InvalidArgument(f"layer_no = {layer_no}; the lowest level is 0")
        return 2 * self.M if layer_no == 0 else self.M


class Graph(Index):
    """What all indexes that walk along edges share."""

    __module__ = "knear"
    __slots__ = ()

    @property
    def ef_search(self) -> int:
        """How many of the nearest a walk keeps that does not say itself."""
        return _ef_search_of(self)

    @ef_search.setter
    def ef_search(self, ef: int) -> None:
        _set_ef_search(self, ef)

    @property
    def ef_construction(self) -> int:
        """Near vectors that edges of an added one are chosen from."""
        return _ef_construction_of(self)

    @ef_construction.setter
    def ef_construction(self, ef: int) -> None:
        _set_ef_construction(self, ef)

    @property
    def graph_stats(self) -> GraphStats:
        """What the edges look like; counts them all."""
        return _graph_stats_of(self)


class IndexHNSW(Graph):
    """A hierarchical navigable small world over codes of any kind: a search walks along edges to the nearest.

    M: edges of a vector on each level, twice as many on the lowest.
    codes: the factory string of the codes, "Flat", "PQ16x8", "SQ8", ...
    Unlike elsewhere, vectors may be removed and updated, ids may be given, and adding is deterministic.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).random((2000, 16), dtype="float32")
    >>> index = knear.IndexHNSW(16, 16, codes="SQ8")
    >>> index.train(x)
    >>> index.add(x)
    2000
    >>> index.hnsw.efSearch = 100
    >>> index.search(x[:3], 1)[1].tolist()
    [[0], [1], [2]]
    >>> index.spec, index.hnsw.nb_neighbors(0)
    ('HNSW16,ef_search=100,SQ8', 32)
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, M: int = 32, metric: MetricLike = METRIC_L2, *, codes: str = "Flat", on_duplicate: str = "error"
    ) -> None:
        super().__init__(f"HNSW{edges_text(M)},{codes}", d, metric, on_duplicate=on_duplicate)

    @property
    def hnsw(self) -> HNSW:
        """The graph: efSearch, efConstruction, max_level, ..."""
        return HNSW(self)


class IndexHNSWFlat(IndexHNSW):
    """A graph over vectors as they are."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, M: int = 32, metric: MetricLike = METRIC_L2, *, on_duplicate: str = "error") -> None:
        super().__init__(d, M, metric, on_duplicate=on_duplicate)


class IndexHNSWSQ(IndexHNSW):
    """A graph over elements rounded on their own; `qtype` is a ScalarQuantizer.QT_..."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, qtype: int = ScalarQuantizer.QT_8bit, M: int = 32, metric: MetricLike = METRIC_L2,
        *, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(d, M, metric, codes=sq_text(qtype), on_duplicate=on_duplicate)


class IndexHNSWPQ(IndexHNSW):
    """A graph over product quantizer codes of pq_m sub-vectors of `pq_nbits` bits."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, pq_m: int, M: int = 32, pq_nbits: int = 8, metric: MetricLike = METRIC_L2,
        *, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(d, M, metric, codes=f"PQ{pq_m}x{pq_nbits}", on_duplicate=on_duplicate)


class IndexHNSW2Level(IndexHNSW):
    """A graph over codes in two layers: which of nlist centroids, and m_pq bytes of what it leaves.

    quantizer: only its dimensions and metric count, and it has to be empty: training finds the centroids.
    nlist: a power of two, up to 65536.

    >>> knear.IndexHNSW2Level(knear.IndexFlatL2(32), 256, 8).spec
    'HNSW32,PQ1x8+8x8'
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, quantizer: Index, nlist: int, m_pq: int, M: int = 32, *, on_duplicate: str = "error") -> None:
        if quantizer.ntotal:
            raise InvalidArgument(f"the quantizer holds {quantizer.ntotal} vectors, but has to be empty")
        super().__init__(quantizer.d, M, quantizer.metric_type, codes=f"{nlist}+PQ{m_pq}x8", on_duplicate=on_duplicate)
