"""Each rival runs in a process of its own: its threads, BLAS and memory are its alone, and a crash is a result.

The harness holds a Worker per rival and asks them in turn; only one of them works at a time.
"""

from __future__ import annotations

import multiprocessing
import os
import time
import traceback
from typing import Any, Self

import data
import memory
import numpy as np
import rivals

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "KNEAR_THREADS")
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


class RivalFailed(Exception):
    """The rival's process raised or died; the message is its last line, `details` all it said."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details or message


class Bench:
    """What a worker process can be asked to do."""

    def __init__(self, rival_name: str, threads: int) -> None:
        self.rival = rivals.make(rival_name)
        self.rival.set_threads(threads)
        self.queries = np.empty((0, 0), np.float32)
        self.rows = self.queries
        self.clustered = ""  # the data set that rows holds a copy of

    def describe(self) -> dict[str, Any]:
        return {"version": self.rival.version(), **self.rival.facts(), "libraries": _thread_libraries()}

    def build(self, data_name: str, metric: str, spec: str) -> dict[str, float]:
        """Builds over a named data set. Returns the seconds and the memory it took to keep, in bytes."""
        rows, self.queries = data.load(data_name)
        self.rows = rows
        before = memory.anonymous_bytes()
        start = time.perf_counter()
        self.rival.build(rows, metric, spec)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "memory_bytes": memory.anonymous_bytes() - before}

    def tune(self, **knobs: float) -> None:
        self.rival.tune(**knobs)

    def time(self, nq: int, k: int, clock: str, calls: int) -> float:
        """Seconds per search of nq queries, the mean of so many calls on changing queries."""
        now = CLOCKS[clock]
        batches = self._batches(nq, min(calls, 64))
        start = now()
        for i in range(calls):
            self.rival.search(batches[i % len(batches)], k)
        return (now() - start) / calls

    def answers(self, nq: int, k: int, keep: int) -> np.ndarray:
        """The ids of the first `keep` queries when searched in a batch of nq."""
        return self.rival.search(np.ascontiguousarray(self.queries[:nq]), k)[1][:keep]

    def found(self, nq: int, k: int, batches: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances and ids of so many batches of nq queries."""
        parts = [self.rival.search(batch, k) for batch in self._batches(nq, batches)]
        return np.concatenate([d for d, _ in parts]), np.concatenate([i for _, i in parts])

    def work(self, nq: int, k: int, batches: int) -> float:
        """Pairs that were ranked by the exact distance, for each query of so many batches of nq."""
        chosen = self._batches(nq, batches)
        return sum(self.rival.work(batch, k) for batch in chosen) / sum(len(batch) for batch in chosen)

    def stats(self) -> dict[str, Any]:
        return self.rival.stats()

    def _batches(self, nq: int, count: int) -> list[np.ndarray]:
        """So many of the consecutive batches of nq queries, or as many as there are."""
        starts = range(0, max(1, len(self.queries) - nq + 1), nq)
        return [np.ascontiguousarray(self.queries[s : s + nq]) for s in starts[:count]]

    def round_trip(self, n: int) -> dict[str, float]:
        """What the codec makes of n of the rows: bytes of one, and the error relative to the rows' variance."""
        rows = np.ascontiguousarray(self.rows[:: max(1, len(self.rows) // n)][:n])
        size, again = self.rival.round_trip(rows)
        error = ((rows.astype(np.float64) - again) ** 2).sum(1).mean()
        return {"bytes": size, "distortion": float(error / rows.astype(np.float64).var(0).sum())}

    def add_random(self, n: int, dim: int, batches: int) -> dict[str, float]:
        """Builds from n random rows in so many calls; see load.py."""
        rows = np.random.default_rng(1).random((n, dim), np.float32)
        self.queries = rows[:100].copy()
        parts = np.array_split(rows, batches)
        before = memory.resident_bytes()
        memory.reset_peak()
        start = time.perf_counter()
        self.rival.build(parts[0], "l2", "Flat")
        for part in parts[1:]:
            self.rival.add(part)
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "data_bytes": rows.nbytes, "peak_growth_bytes": memory.peak_bytes() - before}

    def cluster(self, data_name: str, k: int, niter: int, seed: int, most: int, clock: str) -> tuple[float, np.ndarray]:
        """Seconds of a k-means of a named data set, and its centroids. A short one before warms up."""
        if self.clustered != data_name:
            self.rows, self.clustered = np.array(data.load(data_name)[0]), data_name
            self.rival.kmeans(self.rows[:4096], 16, 2, seed, most)
        start = CLOCKS[clock]()
        centroids = self.rival.kmeans(self.rows, k, niter, seed, most)
        return CLOCKS[clock]() - start, centroids

    def save(self, path: str) -> float:
        start = time.perf_counter()
        self.rival.save(path)
        return time.perf_counter() - start

    def load(self, path: str) -> dict[str, Any]:
        start = time.perf_counter()
        way = self.rival.load(path)
        return {"seconds": time.perf_counter() - start, "way": way}


class Worker:
    """The harness's end of a rival's process."""

    def __init__(self, rival_name: str, threads: int) -> None:
        self.name = rival_name
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
        os.environ.update({name: str(threads) for name in THREAD_VARIABLES})
        self._process = context.Process(target=_serve, args=(theirs, rival_name, threads), daemon=True)
        self._process.start()
        theirs.close()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        self._receive()

    def ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a method of the Bench over there. Raises RivalFailed."""
        self._pipe.send((method, args, kwargs))
        return self._receive()

    def close(self) -> None:
        self._pipe.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _receive(self) -> Any:
        try:
            fine, value = self._pipe.recv()
        except EOFError:
            self._process.join(5)
            raise RivalFailed(f"{self.name}: process ended with code {self._process.exitcode}") from None
        if not fine:
            raise RivalFailed(f"{self.name}: {value.strip().splitlines()[-1]}", value)
        return value


def _serve(pipe: Any, rival_name: str, threads: int) -> None:
    try:
        bench = Bench(rival_name, threads)
        pipe.send((True, None))
        while True:
            method, args, kwargs = pipe.recv()
            _answer(pipe, getattr(bench, method), args, kwargs)
    except (EOFError, KeyboardInterrupt):
        pass
    except Exception:  # noqa: BLE001 (whatever it is, the harness reports it)
        pipe.send((False, traceback.format_exc()))


def _answer(pipe: Any, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        pipe.send((True, method(*args, **kwargs)))
    except Exception:  # noqa: BLE001 (whatever it is, the harness reports it)
        pipe.send((False, traceback.format_exc()))


def _thread_libraries() -> list[dict[str, Any]]:
    """The BLAS and OpenMP libraries in this process: which kernels run, on how many threads."""
    try:
        import threadpoolctl
    except ImportError:
        return []
    wanted = ("internal_api", "version", "architecture", "threading_layer", "num_threads")
    found = threadpoolctl.threadpool_info()
    return [{"file": os.path.basename(lib["filepath"]), **{w: lib.get(w) for w in wanted}} for lib in found]
