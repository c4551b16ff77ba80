"""Cells in the space of the vectors, codes of what a transform makes of them."""

from __future__ import annotations

import math

from ._errors import InvalidArgument
from ._ivf import IndexIVF
from ._knear import METRIC_L2, Index, VectorTransform, _init_independent, _init_ivf


class IndexIVFIndependentQuantizer(IndexIVF):
    """Cells of vectors, codes of their images under a transform: "IVF1024,PCA32,SQ8".

    quantizer: finds cells of vectors; training fills it unless it is full.
    index_ivf: an empty index with cells of images, of which nlist, nprobe, by_residual where it was given, metric and
    codes are taken, but not what it has learned, nor its quantizer.
    vt: from vectors to images; None: vectors as they are. One that is trained stays as it is.
    by_residual: codes of images of vectors less the centroids of their cells; for transforms that are linear or, under
    L2, have a mean.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).random((5000, 16), dtype="float32")
    >>> codes = knear.IndexIVFPQ(knear.IndexFlatL2(8), 8, 50, 4)
    >>> index = knear.IndexIVFIndependentQuantizer(knear.IndexFlatL2(16), codes, knear.PCAMatrix(16, 8))
    >>> index.train(x)
    >>> index.add(x)
    5000
    >>> index.d, index.spec
    (16, 'IVF50,PCA8,PQ4x8')
    """

    __module__ = "knear"
    __slots__ = ()

    def __init__(
        self,
        quantizer: Index,
        index_ivf: IndexIVF,
        vt: VectorTransform | None = None,
        *,
        by_residual: bool | None = None,
        on_duplicate: str = "error",
    ) -> None:
        _init_independent(self, quantizer, index_ivf, vt, by_residual, on_duplicate)


class IndexIVFSpectralHash(IndexIVF):
    """A bit for each of nbit dimensions of images, compared by Hamming distance: "IVF256,ITQ64,SH1.5".

    period: of the waves whose halves are 0 and 1, in units of the images; None: learned.
    threshold_type: where waves begin. Thresh_global: at 0; Thresh_centroid: at the centroid of the cell;
    Thresh_centroid_half: a quarter of a period below it; Thresh_median: at the median of the training vectors, of all
    cells together.
    vt: from vectors to nbit dimensions; None: ITQTransform, or a random rotation where there are more bits than
    dimensions. With centroids as thresholds it learns from vectors less the centroids of their cells; one that came
    trained must then have no mean.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).random((5000, 16), dtype="float32")
    >>> index = knear.IndexIVFSpectralHash(knear.IndexFlatL2(16), 16, 50, 16)
    >>> index.train(x)
    >>> index.add(x)
    5000
    >>> index.code_size, index.spec
    (2, 'IVF50,ITQ,SH')
    """

    __module__ = "knear"
    __slots__ = ()

    Thresh_global = 0
    Thresh_centroid = 1
    Thresh_centroid_half = 2
    Thresh_median = 3

    def __init__(
        self,
        quantizer: Index,
        d: int,
        nlist: int,
        nbit: int,
        period: float | None = None,
        *,
        threshold_type: int = 0,
        vt: VectorTransform | None = None,
        on_duplicate: str = "error",
    ) -> None:
        if quantizer.d != d:
            raise InvalidArgument(f"the quantizer has {quantizer.d} dimensions, not d = {d}")
        if vt is not None and vt.d_out != nbit:
            raise InvalidArgument(f"vt gives {vt.d_out} dimensions, not nbit = {nbit}")
        if period is not None and not (0 < period and math.isfinite(period)):
            raise InvalidArgument(f"period = {period}; it must be more than 0 and finite, or None")
        if not 0 <= threshold_type <= 3:
            raise InvalidArgument(f"threshold_type = {threshold_type}; it must be one of Thresh_..., 0 to 3")
        if threshold_type in (1, 2) and vt is not None and vt.is_trained and vt.apply([[0.0] * vt.d_in]).any():
            raise InvalidArgument(
                "vt came trained and has a mean, but thresholds at centroids take images of differences"
            )
        residual = ",by_residual=on" if threshold_type in (1, 2) else ""
        turned = "" if vt is not None else f"ITQ{nbit}," if nbit <= d else f"RR{nbit},"
        length = "" if period is None else repr(float(period))
        spec = f"IVF{nlist}{residual},{turned}SH{length}{('', '', 'h', 'm')[threshold_type]}"
        _init_ivf(self, quantizer, spec, METRIC_L2, on_duplicate, vt)
