"""Faiss, by the wheel that PyPI offers (it brings its own BLAS)."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np

from rivals.base import HNSW_EF_CONSTRUCTION, Rival, Unsupported

_METRIC = {"l2": faiss.METRIC_L2, "ip": faiss.METRIC_INNER_PRODUCT, "cosine": faiss.METRIC_INNER_PRODUCT}


class Faiss(Rival):
    name = "faiss"
    _kmeans = faiss.Kmeans  # over Clustering
    _normalizes = False

    def version(self) -> str:
        return str(faiss.__version__)

    def facts(self) -> dict[str, Any]:
        return {
            "compile_options": faiss.get_compile_options().split(),
            "blas_from_batch_x_dim": int(faiss.cvar.distance_compute_blas_threshold),
        }

    def set_threads(self, threads: int) -> None:
        faiss.omp_set_num_threads(threads)

    def build(self, rows: np.ndarray, metric: str, spec: str) -> None:
        self._normalizes = metric == "cosine"  # inner product of normalized vectors, as Faiss has no cosine
        self.index = faiss.index_factory(rows.shape[1], spec, _METRIC[metric])
        if spec.startswith("HNSW"):
            self.index.hnsw.efConstruction = HNSW_EF_CONSTRUCTION
        rows = self._prepared(rows)
        self.index.train(rows)
        self.index.add(rows)

    def add(self, rows: np.ndarray) -> None:
        self.index.add(self._prepared(rows))

    def tune(self, **knobs: float) -> None:
        for name, value in knobs.items():
            faiss.ParameterSpace().set_index_parameter(self.index, name, value)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        return self.index.search(self._prepared(queries), k)

    def _prepared(self, vectors: np.ndarray) -> np.ndarray:
        if self._normalizes:
            vectors = np.array(vectors)
            faiss.normalize_L2(vectors)
        return vectors

    def round_trip(self, rows: np.ndarray) -> tuple[int, np.ndarray]:
        codes = self.index.sa_encode(rows)
        return codes.shape[1], self.index.sa_decode(codes)

    def kmeans(self, rows: np.ndarray, k: int, niter: int, seed: int, most: int) -> np.ndarray:
        kmeans = self._kmeans(rows.shape[1], k, niter=niter, seed=seed, max_points_per_centroid=most)
        kmeans.train(rows)
        return kmeans.centroids

    def save(self, path: str) -> None:
        faiss.write_index(self.index, path)

    def load(self, path: str) -> str:
        """By mmap where this version can, else into memory."""
        self.index = faiss.read_index(path, getattr(faiss, "IO_FLAG_MMAP_IFC", 0))
        return "mmap" if hasattr(faiss, "IO_FLAG_MMAP_IFC") else "read into memory"


class FaissBlas(Faiss):
    """Faiss told to use BLAS for every batch and its own loop for a single query.

    Left alone, 1.15 turns to BLAS only from batch x dim = 128,000 on, and is up to eight times slower below.
    """

    name = "faiss_blas"

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        faiss.cvar.distance_compute_blas_threshold = 1 if len(queries) > 1 else 1 << 30
        return super().search(queries, k)


class FaissSuper(Faiss):
    """Faiss's k-means with pruning by partial distances, new in 1.15."""

    name = "faiss_super"

    def kmeans(self, rows: np.ndarray, k: int, niter: int, seed: int, most: int) -> np.ndarray:
        if not hasattr(faiss, "SuperKmeans"):
            raise Unsupported(f"faiss {faiss.__version__} has no SuperKmeans")
        self._kmeans = faiss.SuperKmeans
        return super().kmeans(rows, k, niter, seed, most)
