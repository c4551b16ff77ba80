"""The transforms that everybody who knows the field knows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ._errors import InvalidArgument, Unsupported
from ._knear import VectorTransform, _restore_transform
from .typing import ArrayLike, FloatArray


class LinearTransform(VectorTransform):
    """y = A x + b. A matrix of one's own is given by set_matrix() or by assigning to A, then b.

    >>> turn = knear.LinearTransform(2, 2)
    >>> turn.set_matrix([[0, 1], [-1, 0]], [10, 20])
    >>> turn.apply([[1, 2]]).tolist()
    [[12.0, 19.0]]
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d_in: int, d_out: int, have_bias: bool = False) -> None:
        super().__init__(f"Linear{d_out}", d_in)

    @property
    def A(self) -> FloatArray:
        """The matrix, float32 of shape (d_out, d_in), as a copy."""
        return self._matrix()

    @A.setter
    def A(self, A: ArrayLike) -> None:
        self.set_matrix(A, self.b if self.is_trained and self.have_bias else None)

    @property
    def b(self) -> FloatArray:
        """The bias, float32 of shape (d_out,) as a copy; of shape (0,) without one."""
        return self._bias()

    @b.setter
    def b(self, b: ArrayLike) -> None:
        self.set_matrix(self.A, b)

    @property
    def have_bias(self) -> bool:
        """Is there a bias other than zero?"""
        return bool(self._bias().any())

    @property
    def is_orthonormal(self) -> bool:
        """Are the rows of A, or its columns where it has more rows, orthonormal by construction?"""
        return self._is_orthonormal()

    def set_matrix(self, A: ArrayLike, b: ArrayLike | None = None) -> None:
        """Takes a matrix of shape (d_out, d_in) and a bias of shape (d_out,)."""
        if type(self) is not LinearTransform:
            raise Unsupported(f"a {type(self).__name__} makes its own matrix: LinearTransform takes any")
        self._set_matrix(A, None if b is None else [b])


class PCAMatrix(LinearTransform):
    """Principal components: the mean is taken away, the d_out directions of most variance stay.

    eigen_power: components are scaled by this power of their variance; -0.5 whitens.
    random_rotation: of the components, which spreads the variance evenly.
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d_in: int, d_out: int, eigen_power: float = 0.0, random_rotation: bool = False) -> None:
        rotated = "R" if random_rotation else ""
        power = f",eigen_power={eigen_power:g}" if eigen_power not in (0, -0.5) else ""
        whitened = "W" if eigen_power == -0.5 else ""
        VectorTransform.__init__(self, f"PCA{whitened}{rotated}{d_out}{power}", d_in)


class RandomRotationMatrix(LinearTransform):
    """A random matrix with orthonormal rows or columns. It needs no training.

    seed: of the rotation.
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d_in: int, d_out: int, seed: int = 1234) -> None:
        VectorTransform.__init__(self, f"RR{d_out},seed={seed}", d_in)

    def init(self, seed: int) -> None:
        """Draws the rotation of another seed."""
        self._become(f"RR{self.d_out},seed={seed}")


class OPQMatrix(LinearTransform):
    """The rotation with which a product quantizer of M parts has the least error; d2: dimensions it gives (d)."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, M: int = 1, d2: int = -1, *, bits: int = 8, niter: int = 20) -> None:
        VectorTransform.__init__(self, f"OPQ{M}_{d if d2 == -1 else d2},bits={bits},niter={niter}", d)


class ITQTransform(LinearTransform):
    """Principal components, rotated so that rows lie close to the corners of a cube: for codes of signs."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d_in: int, d_out: int | None = None, do_pca: bool = True, *, max_iter: int = 50) -> None:
        if not do_pca and d_out not in (None, d_in):
            raise InvalidArgument(f"without PCA, {d_in} dimensions stay {d_in}, not {d_out}")
        VectorTransform.__init__(self, f"ITQ{d_in if d_out is None else d_out},niter={max_iter}", d_in)


class ITQMatrix(ITQTransform):
    """ITQTransform that keeps all d dimensions."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, *, max_iter: int = 50) -> None:
        super().__init__(d, d, max_iter=max_iter)


class HadamardRotation(VectorTransform):
    """A random rotation by fast Hadamard transforms: d log d steps a row instead of d * d."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, seed: int = 1234) -> None:
        super().__init__(f"HR{seed}", d)


class NormalizationTransform(VectorTransform):
    """Rows scaled to length 1."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int, norm: float = 2.0) -> None:
        if norm != 2.0:
            raise Unsupported(f"norm = {norm}; only 2 is there")
        super().__init__("L2norm", d)


class CenteringTransform(VectorTransform):
    """The mean of the training rows taken away."""

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d: int) -> None:
        super().__init__("Centre", d)


class RemapDimensionsTransform(VectorTransform):
    """Dimension j of the image is dimension map[j] of the row, or 0 where map[j] is -1.

    map_or_uniform: the map; or True to spread d_in dimensions evenly over d_out, False to keep them at the front.
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(self, d_in: int, d_out: int, map_or_uniform: Sequence[int] | bool = True) -> None:
        if isinstance(map_or_uniform, bool):
            chosen = _spread(d_in, d_out) if map_or_uniform else [j if j < d_in else -1 for j in range(d_out)]
        else:
            chosen = [int(j) for j in map_or_uniform]
        if len(chosen) != d_out:
            raise InvalidArgument(f"the map has {len(chosen)} numbers, not d_out = {d_out}")
        super().__init__(f"Remap({','.join(map(str, chosen))})", d_in)


def _spread(d_in: int, d_out: int) -> list[int]:
    """All dimensions, evenly among zeros; where there is no room for all, every so many of them."""
    if d_out < d_in:
        return [j * d_in // d_out for j in range(d_out)]
    places = [-1] * d_out
    for j in range(d_in):
        places[j * d_out // d_in] = j
    return places


_BY_TOKEN: tuple[tuple[str, type[VectorTransform]], ...] = (
    (r"PCA", PCAMatrix),
    (r"OPQ", OPQMatrix),
    (r"ITQ", ITQTransform),
    (r"RR", RandomRotationMatrix),
    (r"HR", HadamardRotation),
    (r"L2norm", NormalizationTransform),
    (r"Centre", CenteringTransform),
    (r"Linear", LinearTransform),
    (r"Pad|Remap", RemapDimensionsTransform),
)


def class_of(spec: str) -> type[VectorTransform]:
    """The class for a transform of this spec."""
    return next((cls for token, cls in _BY_TOKEN if re.match(token, spec)), VectorTransform)


def restore(cls: type[VectorTransform], data: bytes) -> VectorTransform:
    """What a pickle calls to make a transform again."""
    return _restore_transform(cls, data)
