"""Scalable Vector Search, by Intel: lists of float32 rows, or of codes with locally adaptive scales (LVQ)."""

from __future__ import annotations

import re
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import svs

from rivals.base import Rival, Unsupported

DISTANCES = {"l2": svs.DistanceType.L2, "ip": svs.DistanceType.MIP}


class Svs(Rival):
    name = "svs"

    def __init__(self) -> None:
        self._threads = 1

    def version(self) -> str:
        return version("scalable-vs")

    def set_threads(self, threads: int) -> None:
        self._threads = threads

    def build(self, rows: np.ndarray, metric: str, spec: str) -> None:
        found = re.fullmatch(r"IVF(\d+),(Flat|LVQ8|LVQ4x8)", spec)
        if not found or metric not in DISTANCES:
            raise Unsupported(f"svs has no {spec} under {metric} here")
        distance = DISTANCES[metric]
        parameters = svs.IVFBuildParameters(num_centroids=int(found[1]), training_fraction=0.5)
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "rows.fvecs")
            svs.write_vecs(np.ascontiguousarray(rows), path)
            data: Any = svs.VectorDataLoader(path, svs.DataType.float32, dims=rows.shape[1])
            clustering = svs.Clustering.build(parameters, data, distance, self._threads)
            if found[2] == "LVQ8":
                data = svs.LVQLoader(data, primary=8)
            elif found[2] == "LVQ4x8":
                data = svs.LVQLoader(data, primary=4, residual=8)
            self.index = svs.IVF.assemble_from_clustering(clustering, data, distance, num_threads=self._threads)

    def tune(self, **knobs: float) -> None:
        self.index.search_parameters = svs.IVFSearchParameters(int(knobs["nprobe"]), 4)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        ids, distances = self.index.search(queries, k)
        return distances, np.asarray(ids).astype(np.int64)
