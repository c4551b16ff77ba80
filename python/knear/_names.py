"""The index classes that everybody who knows the field knows. Each only builds; all do what Index does."""

from __future__ import annotations

import re

from ._knear import (
    METRIC_COSINE,
    METRIC_INNER_PRODUCT,
    METRIC_L1,
    METRIC_L2,
    Index,
    _polysemous_ht_of,
    _restore,
    _search_type_of,
    _set_pq_search,
)
from ._combinations import MultiIndexQuantizer, ResidualCoarseQuantizer
from ._graph_kinds import graph_class
from ._ivf import BY_TOKEN as _CELLS_BY_TOKEN
from ._ivf import IndexIVF
from ._ivf_images import IndexIVFIndependentQuantizer, IndexIVFSpectralHash
from ._sq_specs import SQ_SPECS, ScalarQuantizer
from ._wrappers import IndexPreTransform, IndexRefine, IndexRefineFlat
from .typing import MetricLike


class IndexFlat(Index):
    """Exact search over rows kept as they are, or rounded to a narrower `dtype`.

    >>> index = knear.IndexFlat(64, "cosine", dtype="float16")
    >>> index.d, index.ntotal, index.dtype
    (64, 0, 'float16')
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, metric: MetricLike = METRIC_L2, *, dtype: str = "float32", on_duplicate: str = "error"
    ) -> None:
        super().__init__("Flat", d, metric, dtype=dtype, on_duplicate=on_duplicate)


class IndexFlatL2(IndexFlat):
    """Exact search by squared Euclidean distance."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, *, dtype: str = "float32", on_duplicate: str = "error") -> None:
        super().__init__(d, METRIC_L2, dtype=dtype, on_duplicate=on_duplicate)


class IndexFlatIP(IndexFlat):
    """Exact search by inner product, the largest first."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, *, dtype: str = "float32", on_duplicate: str = "error") -> None:
        super().__init__(d, METRIC_INNER_PRODUCT, dtype=dtype, on_duplicate=on_duplicate)


class IndexFlatCosine(IndexFlat):
    """Exact search by cosine similarity, the largest first; nothing needs to be normalised."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, *, dtype: str = "float32", on_duplicate: str = "error") -> None:
        super().__init__(d, METRIC_COSINE, dtype=dtype, on_duplicate=on_duplicate)


class IndexFlat1D(IndexFlat):
    """One dimension; distances are |x - y|. `continuous_update` is accepted: the index is always up to date."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, continuous_update: bool = True) -> None:
        super().__init__(1, METRIC_L1)


class IndexPQ(Index):
    """Product quantizer: M sub-vectors of `nbits` bits each; d is a multiple of M.

    >>> index = knear.IndexPQ(64, 16, 8)
    >>> index.code_size, index.is_trained
    (16, False)

    do_polysemous_training numbers centroids such that close rows have codes that differ in few bits, for searches with
    search_type = ST_polysemous, which pass over all codes that differ from the query's in polysemous_ht bits or more.
    ST_SDC takes distances from the query's own code. Both belong to this object, as on_duplicate does; files do not
    keep them.
    """

    __module__ = "knear"
    __slots__ = ()

    ST_PQ = 0
    ST_SDC = 3
    ST_polysemous = 4

    def __init__(
        self,
        d: int,
        M: int,
        nbits: int = 8,
        metric: MetricLike = METRIC_L2,
        *,
        do_polysemous_training: bool = False,
        on_duplicate: str = "error",
    ) -> None:
        order = ",order=polysemous" if do_polysemous_training else ""
        super().__init__(f"PQ{M}x{nbits}{order}", d, metric, on_duplicate=on_duplicate)

    @property
    def do_polysemous_training(self) -> bool:
        """Are centroids numbered for polysemous searches?"""
        return "order=polysemous" in self.spec

    @property
    def search_type(self) -> int:
        """How this object searches: ST_PQ, ST_SDC or ST_polysemous."""
        return _search_type_of(self)

    @search_type.setter
    def search_type(self, search_type: int) -> None:
        _set_pq_search(self, search_type, self.polysemous_ht)

    @property
    def polysemous_ht(self) -> int:
        """Of ST_polysemous: codes that differ in fewer bits are looked at; 0: 27 of 64."""
        return _polysemous_ht_of(self)

    @polysemous_ht.setter
    def polysemous_ht(self, bits: int) -> None:
        _set_pq_search(self, self.search_type, bits)


class IndexPQFastScan(Index):
    """Product quantizer of 4 bits, scanned by register lookups. `bbs` is accepted and means nothing here."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self,
        d: int,
        M: int,
        nbits: int = 4,
        metric: MetricLike = METRIC_L2,
        bbs: int = 32,
        *,
        on_duplicate: str = "error",
    ) -> None:
        super().__init__(f"PQ{M}x{nbits}fs", d, metric, on_duplicate=on_duplicate)


class IndexScalarQuantizer(Index):
    """Each element rounded on its own; `qtype` is one of ScalarQuantizer.QT_...

    >>> index = knear.IndexScalarQuantizer(64, knear.ScalarQuantizer.QT_6bit)
    >>> index.spec, index.code_size
    ('SQ6', 48)
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self,
        d: int,
        qtype: int = ScalarQuantizer.QT_8bit,
        metric: MetricLike = METRIC_L2,
        *,
        on_duplicate: str = "error",
    ) -> None:
        if not 0 <= qtype < len(SQ_SPECS):
            raise ValueError(f"qtype = {qtype}; it must be one of ScalarQuantizer.QT_..., 0 to {len(SQ_SPECS) - 1}")
        super().__init__(SQ_SPECS[qtype], d, metric, on_duplicate=on_duplicate)


class IndexLSH(Index):
    """Signs of (rotated) elements, compared by Hamming distance."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self,
        d: int,
        nbits: int,
        rotate_data: bool = True,
        train_thresholds: bool = False,
        *,
        on_duplicate: str = "error",
    ) -> None:
        spec = f"LSH{nbits}" + ("r" if rotate_data else "") + ("t" if train_thresholds else "")
        super().__init__(spec, d, METRIC_L2, on_duplicate=on_duplicate)


class IndexRaBitQ(Index):
    """RaBitQ codes of 1 to 9 bits a dimension; rows are rotated and centred by the index itself."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self, d: int, metric: MetricLike = METRIC_L2, nb_bits: int = 1, *, on_duplicate: str = "error"
    ) -> None:
        super().__init__(f"RaBitQ{nb_bits}", d, metric, on_duplicate=on_duplicate)


class IndexLattice(Index):
    """Sub-vectors as lengths of `scale_nbit` bits and integer points on a sphere of squared radius r2."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, nsq: int, scale_nbit: int, r2: int, *, on_duplicate: str = "error") -> None:
        super().__init__(f"ZnLattice{nsq}x{r2}_{scale_nbit}", d, METRIC_L2, on_duplicate=on_duplicate)


_BY_TOKEN: tuple[tuple[str, type[Index]], ...] = (
    (r"PQ\d+x4fs", IndexPQFastScan),
    (r"PQ\d+(x\d+)?", IndexPQ),
    (r"SQ\d.*", IndexScalarQuantizer),
    (r"LSH.*", IndexLSH),
    (r"RaBitQ.*", IndexRaBitQ),
    (r"ZnLattice.*", IndexLattice),
    (r"IMI.*", MultiIndexQuantizer),
    (r"RCQ.*", ResidualCoarseQuantizer),
)


def class_of(spec: str, metric: int, dim: int, shape: str) -> type[Index]:
    """The most derived class for an index of this description; shape is "scan", "ivf", "graph", "pretransform" or
    "refine"."""
    if shape == "refine":
        return IndexRefineFlat if re.search(r",RFlat(,k_factor=[^,]*)?$", spec) else IndexRefine
    if shape == "pretransform":
        return IndexPreTransform
    stages = [stage for stage in re.sub(r"\([^()]*\)", "", spec).split(",") if "=" not in stage]
    if shape == "ivf":
        if stages[-1].startswith("SH"):
            return IndexIVFSpectralHash
        if len(stages) > 2:
            return IndexIVFIndependentQuantizer
        return next((cls for token, cls in _CELLS_BY_TOKEN if re.fullmatch(token, stages[-1])), IndexIVF)
    if shape == "graph":
        return graph_class(stages)
    if len(stages) == 1 and stages[0] != "Flat":
        return next((cls for token, cls in _BY_TOKEN if re.fullmatch(token, stages[0])), Index)
    if stages != ["Flat"]:
        return Index
    if metric == METRIC_L1 and dim == 1:
        return IndexFlat1D
    classes = {METRIC_L2: IndexFlatL2, METRIC_INNER_PRODUCT: IndexFlatIP, METRIC_COSINE: IndexFlatCosine}
    return classes.get(metric, IndexFlat)


def restore(cls: type[Index], data: bytes, on_duplicate: str) -> Index:
    """What a pickle calls to make an index again."""
    return _restore(cls, data, on_duplicate)
