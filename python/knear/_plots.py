"""Pictures of indexes; they need matplotlib (`pip install knear[plots]`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Optional

from ._errors import InvalidArgument, WrongType
from ._graphs import Graph
from ._ivf import IndexIVF

if TYPE_CHECKING:
    from ._knear import Index
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


def plot_degrees(index: Index, path: Optional[PathLike] = None) -> Any:
    """How many edges the vectors of a graph have: a histogram, and the share of vectors with at least so many.

    path: a file to write, .png, .svg or whatever matplotlib knows; None writes none.
    Gives the matplotlib Figure. Raises ImportError without matplotlib.

        knear.plot_degrees(index, "degrees.png")
    """
    if not isinstance(index, Graph):
        raise WrongType(f"index is a {type(index).__name__}; it must be an IndexHNSW, IndexNSG or another graph")
    if index.ntotal == 0:
        raise InvalidArgument("the index is empty: there are no edges to draw")
    from matplotlib.figure import Figure  # not pyplot: no window, no state

    stats = index.graph_stats
    counts = [int(count) for count in stats.degrees]
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.bar(range(len(counts)), counts, width=1.0, color="#4477aa")
    left.axvline(stats.mean_degree, color="#222222", linewidth=1, linestyle="--", label=f"mean {stats.mean_degree:.1f}")
    left.set(xlabel="edges of a vector", ylabel="vectors", title=f"{sum(counts):,} vectors, {stats.orphans:,} orphans")
    left.legend(frameon=False)
    shares = [sum(counts[at:]) / sum(counts) for at in range(len(counts))]
    right.step(range(len(shares)), shares, where="mid", color="#4477aa")
    right.set(xlabel="edges", ylabel="share of vectors with at least so many", xlim=(0, len(counts)), ylim=(0, 1.02))
    right.set_title(f"reachable {100 * stats.reachable:.2f} %")
    if path is not None:
        figure.savefig(os.fsdecode(path))
    return figure
