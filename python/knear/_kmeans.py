"""k-means, as a class with the field's names."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from . import typing as kt
from ._knear import METRIC_INNER_PRODUCT, METRIC_L2, _balanced_assign, _kmeans, index


class Kmeans:
    """k centroids that stand for many vectors of d dimensions.

    niter: iterations; nredo: runs, of which the best stays; seed: of all that is random.
    spherical: centroids of length 1, rows go to the largest inner product.
    int_centroids: centroids are rounded to whole numbers.
    min_points_per_centroid: fewer draw one warning. max_points_per_centroid: of more, a sample is used; 0: all.
    frozen_centroids: those given to train() stay where they are.
    init: "random", "k-means++" or "afk-mc2"; init_method takes the field's constants for them, 0 to 2.
    early_stop: ends when an iteration lowers the objective by less than this share.
    balance: no cell gets more than ceil(balance * n / k) rows, in training and in assign(); 0: any number.
    two_level: about sqrt(k) coarse cells first, then centroids in each: for k of 65,536 and more.
    resumable: a run that was stopped and resumed (see train) ends with the same bits; up to half more time.
    progress: True for a bar (as is verbose), or a callable that takes a Progress.

    The same seed gives the same centroids, bit for bit, for any number of threads.

    >>> import numpy as np
    >>> x = np.repeat(np.eye(3, 8, dtype="float32"), 50, axis=0)
    >>> kmeans = knear.Kmeans(8, 3, nredo=5)
    >>> kmeans.train(x)
    0.0
    >>> distances, cells = kmeans.assign(x[::50])
    >>> sorted(cells.tolist())
    [0, 1, 2]
    """

    __module__ = "knear"

    def __init__(
        self,
        d: int,
        k: int,
        *,
        niter: int = 25,
        nredo: int = 1,
        seed: int = 1234,
        spherical: bool = False,
        int_centroids: bool = False,
        min_points_per_centroid: int = 39,
        max_points_per_centroid: int = 256,
        frozen_centroids: bool = False,
        init: str = "random",
        init_method: int | None = None,
        early_stop: float = 0.0,
        early_stop_threshold: float | None = None,
        balance: float = 0.0,
        two_level: bool = False,
        resumable: bool = False,
        verbose: bool = False,
        gpu: bool = False,
        progress: kt.ProgressLike = None,
        num_threads: int | None = None,
    ) -> None:
        if gpu:
            warnings.warn("this build of knear has no GPU; k-means runs on the CPU", RuntimeWarning, stacklevel=2)
        if init_method is not None:
            init = ("random", "k-means++", "afk-mc2")[init_method]
        self.d = d
        self.k = k
        self.centroids: Any = None  # float32 of shape (k, d), once trained
        self.obj: list[float] = []  # the objective after each iteration
        self.iteration_stats: list[dict[str, float]] = []
        self.index: Any = None  # over the centroids
        self._progress = True if verbose and progress is None else progress
        self._num_threads = num_threads
        self._spherical = spherical
        self._options: dict[str, Any] = {
            "niter": niter,
            "nredo": nredo,
            "seed": seed,
            "spherical": spherical,
            "int_centroids": int_centroids,
            "min_points_per_centroid": min_points_per_centroid,
            "max_points_per_centroid": max_points_per_centroid,
            "frozen_centroids": frozen_centroids,
            "init": init,
            "balance": balance,
            "two_level": two_level,
            "resumable": resumable,
            "early_stop": early_stop if early_stop_threshold is None else early_stop_threshold,
        }

    def train(
        self,
        x: kt.ArrayLike,
        weights: kt.ArrayLike | None = None,
        init_centroids: kt.ArrayLike | None = None,
        *,
        on_iteration: Callable[[list[dict[str, float]], kt.FloatArray], Any] | None = None,
        done: Sequence[dict[str, float]] = (),
    ) -> float:
        """Finds the centroids of rows x of shape (n, d); gives the final objective.

        weights: one number per row. init_centroids: up to k rows to start from.
        on_iteration(stats, centroids) is called after each iteration with the iteration_stats so far; when it returns
        False, training ends there. To go on later, hand in both again, as `done` and `init_centroids`.
        Raises InvalidArgument (a ValueError) for n < k, for NaN and for other dimensions.
        """
        self._check(x)
        self.centroids, objective, self.iteration_stats, remarks = _kmeans(
            x, self.k, weights=weights, init_centroids=init_centroids,
            on_iteration=on_iteration, done=done, progress=self._progress,
            num_threads=self._num_threads, **self._options,
        )  # fmt: skip
        for remark in remarks:
            warnings.warn(remark, RuntimeWarning, stacklevel=2)
        self.obj = [entry["obj"] for entry in self.iteration_stats]
        self.reset()
        return objective

    def assign(self, x: kt.ArrayLike) -> tuple[kt.FloatArray, kt.IdArray]:
        """The squared distance (spherical: inner product) to the nearest centroid of each row, and its number.

        With `balance`, of a row that finds no room in the nearest cell, those of the cell it was given.
        """
        if self.index is None:
            raise RuntimeError("train() comes before assign()")
        self._check(x)
        if self._options["balance"]:
            return _balanced_assign(
                x, self.centroids, balance=self._options["balance"], spherical=self._spherical,
                progress=self._progress, num_threads=self._num_threads,
            )  # fmt: skip
        D, I = self.index.search(x, 1)
        return D.reshape(-1), I.reshape(-1)

    def reset(self) -> None:
        """Makes `index` anew from `centroids`, in case they were changed."""
        metric = METRIC_INNER_PRODUCT if self._spherical else METRIC_L2
        self.index = index("Flat", self.d, metric)
        self.index.add(self.centroids)

    def _check(self, x: Any) -> None:
        shape = getattr(x, "shape", None)
        if shape is not None and len(shape) == 2 and shape[1] != self.d:
            raise ValueError(f"x has {shape[1]} dimensions, this Kmeans has {self.d}")
