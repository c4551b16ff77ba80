"""Indexes around indexes.

An index and the index around it share what is inside: the one inside may go on being searched and read, but is changed
only through the one around it (adding to it raises WrongState), as long as that one lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._errors import InvalidArgument
from ._knear import (
    Index,
    VectorTransform,
    _base_of,
    _fine_of,
    _images,
    _init_chain,
    _init_refine,
    _inner_of,
    _k_factor_of,
    _prepend,
    _set_k_factor,
    _transforms_of,
    index,
)
from .typing import ArrayLike, FloatArray

DEFAULT_K_FACTOR = 4.0


class IndexRefine(Index):
    """Candidates of one index, ranked again by another: base finds k * k_factor of them, refine has the last word.

    Both hold the same ids; what is added goes to both. They stay usable for searches of their own, but are changed
    only through this index.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).random((1000, 16), dtype="float32")
    >>> base = knear.IndexPQ(16, 4, 4)
    >>> index = knear.IndexRefine(base, knear.IndexScalarQuantizer(16))
    >>> index.train(x)
    >>> index.add(x)
    1000
    >>> index.k_factor = 8
    >>> index.spec, base.ntotal
    ('PQ4x4,Refine(SQ8),k_factor=8', 1000)
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, base_index: Index, refine_index: Index, k_factor: float = DEFAULT_K_FACTOR) -> None:
        _init_refine(self, base_index, refine_index, k_factor)

    @property
    def base_index(self) -> Index:
        """The index that finds candidates."""
        return _base_of(self)

    @property
    def refine_index(self) -> Index:
        """The index that ranks them."""
        return _fine_of(self)

    @property
    def k_factor(self) -> float:
        """Candidates for each result, where a search does not say itself; from 1 on."""
        return _k_factor_of(self)

    @k_factor.setter
    def k_factor(self, k_factor: float) -> None:
        _set_k_factor(self, k_factor)


class IndexRefineFlat(IndexRefine):
    """Candidates of one index, ranked again by the rows as they are.

    xb: when base_index holds rows already, the same rows in the order of base_index.ids().
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, base_index: Index, xb: ArrayLike | None = None, k_factor: float = DEFAULT_K_FACTOR) -> None:
        flat = index("Flat", base_index.d, base_index.metric)
        if xb is not None:
            flat.add(xb, ids=base_index.ids())
        super().__init__(base_index, flat, k_factor)


class Chain(Sequence[VectorTransform]):
    """The transforms of an index, as they are at this moment."""

    def __init__(self, transforms: list[VectorTransform]) -> None:
        self._transforms = transforms

    def __len__(self) -> int:
        return len(self._transforms)

    def __getitem__(self, i: Any) -> Any:
        return self._transforms[i]

    def at(self, i: int) -> VectorTransform:
        """The field's spelling of chain[i]."""
        return self._transforms[i]

    def size(self) -> int:
        """The field's spelling of len(chain)."""
        return len(self._transforms)

    def __repr__(self) -> str:
        return repr(self._transforms)


class IndexPreTransform(Index):
    """Transforms in front of an index: rows and queries pass them first.

    transforms: one, or several in the order in which rows pass them. Training teaches those that are not trained, each
    with the images of the ones before, then the index; `chain` has them as they are then. The index inside has to be
    empty, stays usable for searches of its own, and is changed only through this one.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).random((1000, 16), dtype="float32")
    >>> index = knear.IndexPreTransform(knear.PCAMatrix(16, 8), knear.IndexFlatL2(8))
    >>> index.train(x)
    >>> index.chain.at(0).is_trained, index.apply_chain(x).shape
    (True, (1000, 8))
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, transforms: VectorTransform | Sequence[VectorTransform], index: Index) -> None:
        chain = [transforms] if isinstance(transforms, VectorTransform) else list(transforms)
        _init_chain(self, chain, index)

    @property
    def index(self) -> Index:
        """The index behind the transforms."""
        return _inner_of(self)

    @property
    def chain(self) -> Chain:
        """The transforms, in the order in which rows pass them."""
        return Chain(_transforms_of(self))

    def apply_chain(self, x: ArrayLike) -> FloatArray:
        """The images of rows x of shape (n, d) under all transforms."""
        return _images(self, x)

    def prepend_transform(self, transform: VectorTransform) -> None:
        """Puts one more transform before all others; the index has to be empty."""
        if transform.d_out != self.d:
            raise InvalidArgument(f"the transform gives {transform.d_out} dimensions, the index takes {self.d}")
        _prepend(self, transform)
