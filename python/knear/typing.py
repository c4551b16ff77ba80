"""The types that knear's signatures name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Optional, Protocol, Union

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from typing_extensions import Buffer, TypeAlias

    from ._knear import IDSelector, Progress

    FloatArray: TypeAlias = NDArray[numpy.float32]
    IdArray: TypeAlias = NDArray[numpy.int64]
    ByteArray: TypeAlias = NDArray[numpy.uint8]
    AnyArray: TypeAlias = NDArray[Any]


class SupportsDLPack(Protocol):
    """An array of numpy, torch, JAX, CuPy, ..."""

    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...


class SupportsArray(Protocol):
    """An object that numpy can make an array of, e.g. a pandas DataFrame."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...


if TYPE_CHECKING:
    ArrayLike: TypeAlias = Union[SupportsDLPack, SupportsArray, Buffer, Sequence[Any]]
    """Vectors: an array of shape (n, dim), or a list of lists."""

    NumpyLike: TypeAlias = Union[NDArray[Any], Sequence[Any]]
    """Vectors whose results come as numpy arrays."""

    PathLike: TypeAlias = Union[str, bytes, os.PathLike[str], os.PathLike[bytes]]

    IdsLike: TypeAlias = Union[SupportsDLPack, Buffer, Iterable[int], int]
    """Ids: an integer array of shape (n,), a list, a set, a range, or one integer."""

    OneFilter: TypeAlias = Union[IDSelector, IdsLike, SupportsDLPack, Iterable[bool], Callable[[int], bool]]
    FilterLike: TypeAlias = Union[OneFilter, Sequence[Optional[OneFilter]], None]
    """Which ids may be found: see Index.search."""

    MetricLike: TypeAlias = Union[str, int]
    """A name such as "cosine", or a METRIC_ constant."""

    ProgressLike: TypeAlias = Union[bool, Callable[[Progress], Optional[bool]], None]
    """True for a bar, or a callable that may return False to stop."""
else:
    FloatArray = IdArray = ByteArray = AnyArray = Any
    ArrayLike = NumpyLike = PathLike = IdsLike = OneFilter = FilterLike = MetricLike = ProgressLike = Any
