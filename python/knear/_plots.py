"""Pictures of indexes; they need matplotlib (`pip install knear[plots]`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Optional

from ._errors import InvalidArgument, WrongType
from ._ivf import IndexIVF

if TYPE_CHECKING:
    from .typing import PathLike

BINS = 60


def plot_list_sizes(index: IndexIVF, path: Optional[PathLike] = None) -> Any:
    """How full the lists of an index with cells are: a histogram, and the share of vectors in the fullest lists.

    path: a file to write, .png, .svg or whatever matplotlib knows; None writes none.
    Gives the matplotlib Figure. Raises ImportError without matplotlib.

        knear.plot_list_sizes(index, "lists.png")
    """
    if not isinstance(index, IndexIVF):
        raise WrongType(f"index is a {type(index).__name__}; it must be an IndexIVF")
    if index.ntotal == 0:
        raise InvalidArgument("the index is empty: there are no list sizes to draw")
    from matplotlib.figure import Figure  # not pyplot: no window, no state

    sizes = sorted(index.list_sizes.tolist(), reverse=True)
    mean = index.ntotal / len(sizes)
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.hist(sizes, bins=min(BINS, len(set(sizes))), color="#4477aa")
    left.axvline(mean, color="#222222", linewidth=1, linestyle="--", label=f"mean {mean:.1f}")
    left.set(xlabel="vectors in a list", ylabel="lists", title=f"{len(sizes):,} lists, {sizes.count(0):,} empty")
    left.legend(frameon=False)
    shares = [0.0]
    for size in sizes:
        shares.append(shares[-1] + size / index.ntotal)
    right.plot([i / len(sizes) for i in range(len(shares))], shares, color="#4477aa")
    right.plot([0, 1], [0, 1], color="#222222", linewidth=1, linestyle="--")
    right.set(xlabel="share of lists, fullest first", ylabel="share of vectors", xlim=(0, 1), ylim=(0, 1.02))
    right.set_title(f"imbalance {index.imbalance:.2f}")
    if path is not None:
        figure.savefig(os.fsdecode(path))
    return figure
