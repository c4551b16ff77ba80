"""Indexes with cells: vectors lie in the lists of k-means cells, and a search looks only into the nearest ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ._combinations import _Combinations
from ._errors import InvalidArgument, Unsupported
from ._knear import (
    METRIC_L2,
    Index,
    SearchParameters,
    _by_residual_of,
    _drift_of,
    _imbalance_of,
    _init_ivf,
    _list_codes_of,
    _list_ids_of,
    _list_sizes_of,
    _nlist_of,
    _nprobe_of,
    _quantizer_of,
    _search_preassigned,
    _set_nprobe,
)
from ._sq_specs import SQ_SPECS, ScalarQuantizer
from .typing import ArrayLike, ByteArray, FloatArray, IdArray, MetricLike

SUBSET_TYPE_ID_RANGE = 0
SUBSET_TYPE_ID_MOD = 1


class InvertedLists:
    """The lists of an index with cells, as they are at the moment of each call."""

    def __init__(self, index: Index) -> None:
        self._index = index

    @property
    def nlist(self) -> int:
        """Number of lists; also len()."""
        return _nlist_of(self._index)

    def __len__(self) -> int:
        return self.nlist

    @property
    def code_size(self) -> int:
        """Bytes of one stored code."""
        return self._index.code_size

    def list_size(self, list_no: int) -> int:
        """Vectors in a list."""
        return len(_list_ids_of(self._index, list_no))

    def get_ids(self, list_no: int) -> IdArray:
        """The ids in a list, int64 of shape (n,)."""
        return _list_ids_of(self._index, list_no)

    def get_codes(self, list_no: int) -> ByteArray:
        """The stored codes of a list in the order of get_ids(), uint8 of shape (n, code_size)."""
        return _list_codes_of(self._index, list_no)

    def imbalance_factor(self) -> float:
        """nlist * sum of squared sizes / n^2: 1.0 when all lists are equally long."""
        return _imbalance_of(self._index)


class IndexIVF(Index):
    """Vectors in the lists of nlist cells, coded by any codec; a search looks into the nprobe nearest lists.

    quantizer: the index that finds cells, usually an IndexFlatL2. Training fills it with nlist centroids, unless it
    holds that many vectors already; afterwards it may be searched, but is changed only through this index.
    codes: the factory string of the codes, "Flat", "PQ16x8", "SQ8", ...

    >>> import numpy as np
    >>> x = np.random.default_rng(0).random((5000, 16), dtype="float32")
    >>> index = knear.IndexIVF(knear.IndexFlatL2(16), 16, 50, "SQ8")
    >>> index.train(x)
    >>> index.add(x)
    5000
    >>> index.nprobe = 10
    >>> index.search(x[:3], 1)[1].tolist()
    [[0], [1], [2]]
    >>> index.nlist, int(index.list_sizes.sum()), index.spec
    (50, 5000, 'IVF50,nprobe=10,SQ8')
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self,
        quantizer: Index,
        d: int,
        nlist: int,
        codes: str,
        metric: MetricLike = METRIC_L2,
        *,
        by_residual: bool | None = None,
        on_duplicate: str = "error",
    ) -> None:
        if quantizer.d != d:
            raise InvalidArgument(f"the quantizer has {quantizer.d} dimensions, not d = {d}")
        residual = "" if by_residual is None else f",by_residual={'on' if by_residual else 'off'}"
        _init_ivf(self, quantizer, f"IVF{nlist}{residual},{codes}", metric, on_duplicate)

    @property
    def nlist(self) -> int:
        """Number of cells."""
        return _nlist_of(self)

    @property
    def nprobe(self) -> int:
        """Cells that a search looks into which does not say itself; about sqrt(nlist) / 2 unless it was set."""
        return _nprobe_of(self)

    @nprobe.setter
    def nprobe(self, nprobe: int) -> None:
        _set_nprobe(self, nprobe)

    @property
    def quantizer(self) -> Index:
        """The index that finds cells; its ids are the numbers of the cells."""
        return _quantizer_of(self)

    @property
    def quantizer_trains_alone(self) -> int:
        """1: the quantizer learns from the vectors itself, its cells being combinations; 0: k-means fills it.

        It can only be set to what it is.
        """
        return int(isinstance(self.quantizer, _Combinations))

    @quantizer_trains_alone.setter
    def quantizer_trains_alone(self, value: int) -> None:
        if value != self.quantizer_trains_alone:
            raise InvalidArgument(
                f"quantizer_trains_alone = {value}; of this quantizer it is {self.quantizer_trains_alone}"
            )

    @property
    def by_residual(self) -> bool:
        """Are codes those of vectors less the centroids of their cells?"""
        return _by_residual_of(self)

    @property
    def invlists(self) -> InvertedLists:
        """The lists: sizes, ids and codes."""
        return InvertedLists(self)

    @property
    def list_sizes(self) -> IdArray:
        """Vectors in each list, int64 of shape (nlist,)."""
        return _list_sizes_of(self)

    @property
    def imbalance(self) -> float:
        """nlist * sum of squared list sizes / n^2: 1.0 when all lists are equally long."""
        return _imbalance_of(self)

    @property
    def drift(self) -> float:
        """How far vectors are from their centroids, mean squared, over what it was in training, from a sample.

        Much more than 1.0 says that vectors have become other ones: an index trained anew would find better cells.
        0.0 where it is not known.
        """
        return _drift_of(self)

    def get_list_size(self, list_no: int) -> int:
        """Vectors in one list."""
        return len(_list_ids_of(self, list_no))

    def search_preassigned(
        self, x: ArrayLike, k: int, assign: ArrayLike, *, params: SearchParameters | None = None
    ) -> tuple[FloatArray, IdArray]:
        """As search(), in the cells that the caller chose.

        assign: integers of shape (nq, any), the cells of each query, nearest first; negative ones are passed over.
        Raises InvalidArgument for a cell that does not exist.
        """
        return _search_preassigned(self, x, k, _flat(assign), params)

    def copy_subset_to(self, other: IndexIVF, subset_type: int, a1: int, a2: int) -> None:
        """Merges a part of the vectors into another index.

        subset_type 0: ids from a1 to below a2; 1: ids with id % a1 == a2.
        """
        if subset_type not in (SUBSET_TYPE_ID_RANGE, SUBSET_TYPE_ID_MOD):
            raise InvalidArgument(f"subset_type = {subset_type}; it must be 0 (range of ids) or 1 (ids modulo a1)")
        chosen = [
            id
            for id in self.ids().tolist()
            if (a1 <= id < a2 if subset_type == SUBSET_TYPE_ID_RANGE else id % a1 == a2)
        ]
        if chosen:
            other.add(self.get(chosen), ids=chosen)

    def make_direct_map(self, new_maintain_direct_map: bool = True) -> None:
        """Accepted and means nothing: where an id lies is always known."""

    def set_direct_map_type(self, type: int) -> None:
        """Accepted and means nothing: where an id lies is always known."""


def _flat(assign: Any) -> Any:
    if hasattr(assign, "reshape"):
        return assign.reshape(-1)
    flat: list[Any] = []
    for row in assign:
        flat.extend(row if isinstance(row, Iterable) else [row])
    return flat


class IndexIVFFlat(IndexIVF):
    """Vectors as they are, in lists."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, quantizer: Index, d: int, nlist: int, metric: MetricLike = METRIC_L2, own_invlists: bool = True,
        *, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(quantizer, d, nlist, "Flat", metric, on_duplicate=on_duplicate)


class IndexIVFFlatDedup(IndexIVF):
    """Vectors as they are, in lists; equal ones are stored and compared once, and all their ids are found.

    Vectors are equal when all their elements are, bit for bit. Results are those of an IndexIVFFlat, whose lists are
    shorter: k results come from k different vectors at most, so that a search may look into more lists to find these.
    The lists hold the numbers under which vectors are stored, not ids: list_sizes counts different vectors, and
    search_preassigned() is not for this class.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).random((1000, 16), dtype="float32")
    >>> index = knear.IndexIVFFlatDedup(knear.IndexFlatL2(16), 16, 20)
    >>> index.train(x)
    >>> index.add(np.concatenate([x, x]))
    2000
    >>> index.ntotal, index.stats.distinct_rows, index.search(x[:1], 2)[1].tolist()
    (2000, 1000, [[0, 1000]])
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, quantizer: Index, d: int, nlist: int, metric: MetricLike = METRIC_L2, own_invlists: bool = True,
        *, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(quantizer, d, nlist, "FlatDedup", metric, on_duplicate=on_duplicate)

    def search_preassigned(
        self, x: ArrayLike, k: int, assign: ArrayLike, *, params: SearchParameters | None = None
    ) -> tuple[FloatArray, IdArray]:
        """Not here: lists hold numbers of vectors, not ids. Raises Unsupported."""
        raise Unsupported("the lists of an IndexIVFFlatDedup hold numbers of different vectors, not ids: search() them")


class IndexIVFPQ(IndexIVF):
    """Product quantizer codes of M sub-vectors of `nbits` bits, of what centroids leave of vectors, in lists."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, quantizer: Index, d: int, nlist: int, M: int, nbits: int = 8, metric: MetricLike = METRIC_L2,
        own_invlists: bool = True, *, by_residual: bool | None = None, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(
            quantizer, d, nlist, f"PQ{M}x{nbits}", metric, by_residual=by_residual, on_duplicate=on_duplicate
        )


class IndexIVFPQR(IndexIVF):
    """Product quantizer codes in lists, and codes of what these leave: M and M_refine sub-vectors.

    Every vector that a search looks at is compared by the sum of both, so that there are no candidates to choose:
    `k_factor` is accepted, and has no effect. Under METRIC_L2 a code has four bytes more, for its squared length.
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, quantizer: Index, d: int, nlist: int, M: int, nbits: int, M_refine: int, nbits_refine: int,
        metric: MetricLike = METRIC_L2, own_invlists: bool = True, *, by_residual: bool | None = None,
        on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(
            quantizer, d, nlist, f"PQ{M}x{nbits}+{M_refine}x{nbits_refine}", metric,
            by_residual=by_residual, on_duplicate=on_duplicate,
        )  # fmt: skip

    @property
    def k_factor(self) -> float:
        """1.0: all that is looked at is ranked by both quantizers. Values from 1 on are accepted and change nothing."""
        return 1.0

    @k_factor.setter
    def k_factor(self, k_factor: float) -> None:
        if not k_factor >= 1:
            raise InvalidArgument(f"k_factor = {k_factor}; it must be at least 1")


class IndexIVFPQFastScan(IndexIVF):
    """Product quantizer of 4 bits in lists, scanned by register lookups. `bbs` is accepted and means nothing here."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, quantizer: Index, d: int, nlist: int, M: int, nbits: int = 4, metric: MetricLike = METRIC_L2,
        bbs: int = 32, own_invlists: bool = True, *, by_residual: bool | None = None, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(
            quantizer, d, nlist, f"PQ{M}x{nbits}fs", metric, by_residual=by_residual, on_duplicate=on_duplicate
        )


class IndexIVFScalarQuantizer(IndexIVF):
    """Each element of what centroids leave of vectors rounded on its own; `qtype` is a ScalarQuantizer.QT_..."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, quantizer: Index, d: int, nlist: int, qtype: int = ScalarQuantizer.QT_8bit,
        metric: MetricLike = METRIC_L2, by_residual: bool | None = None, own_invlists: bool = True,
        *, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        if not 0 <= qtype < len(SQ_SPECS):
            raise InvalidArgument(
                f"qtype = {qtype}; it must be one of ScalarQuantizer.QT_..., 0 to {len(SQ_SPECS) - 1}"
            )
        super().__init__(
            quantizer, d, nlist, SQ_SPECS[qtype], metric, by_residual=by_residual, on_duplicate=on_duplicate
        )


class IndexIVFRaBitQ(IndexIVF):
    """RaBitQ codes of 1 to 9 bits a dimension, of what centroids leave of vectors, in lists."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, quantizer: Index, d: int, nlist: int, metric: MetricLike = METRIC_L2, own_invlists: bool = True,
        nb_bits: int = 1, *, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(quantizer, d, nlist, f"RaBitQ{nb_bits}", metric, on_duplicate=on_duplicate)


class Index2Layer(IndexIVF):
    """Product quantizer codes of what centroids leave of vectors, all of which a search looks at: an IndexIVFPQ with
    nprobe = nlist, as which files of it are loaded.
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, quantizer: Index, nlist: int, M: int, nbit: int = 8, metric: MetricLike = METRIC_L2,
        *, on_duplicate: str = "error",
    ) -> None:  # fmt: skip
        super().__init__(
            quantizer, quantizer.d, nlist, f"PQ{M}x{nbit}", metric, by_residual=True, on_duplicate=on_duplicate
        )
        self.nprobe = nlist


BY_TOKEN: tuple[tuple[str, type[IndexIVF]], ...] = (
    (r"Flat", IndexIVFFlat),
    (r"FlatDedup", IndexIVFFlatDedup),
    (r"PQ\d+x4fs", IndexIVFPQFastScan),
    (r"PQ\d+(x\d+)?", IndexIVFPQ),
    (r"PQ\d+(x\d+)?\+\d+(x\d+)?", IndexIVFPQR),
    (r"SQ\d.*", IndexIVFScalarQuantizer),
    (r"RaBitQ.*", IndexIVFRaBitQ),
)
