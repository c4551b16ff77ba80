"""The index classes that everybody who knows the field knows. Each only builds; all do what Index does."""

from __future__ import annotations

from ._knear import METRIC_COSINE, METRIC_INNER_PRODUCT, METRIC_L1, METRIC_L2, Index, _restore
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


def class_of(spec: str, metric: int, dim: int) -> type[Index]:
    """The most derived class for an index of this description."""
    if spec.split(",")[0] != "Flat":
        return Index
    if metric == METRIC_L1 and dim == 1:
        return IndexFlat1D
    classes = {METRIC_L2: IndexFlatL2, METRIC_INNER_PRODUCT: IndexFlatIP, METRIC_COSINE: IndexFlatCosine}
    return classes.get(metric, IndexFlat)


def restore(cls: type[Index], data: bytes, on_duplicate: str) -> Index:
    """What a pickle calls to make an index again."""
    return _restore(cls, data, on_duplicate)
