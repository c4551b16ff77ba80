"""Every codec finds as much of real data as the published methods do.

FAISS[data][spec] is recall@10 of Faiss 1.15.1's codec of the same bytes over the same rows and queries, trained on them
(RaBitQ after a random rotation). bench/versus/codes.py compares whole data sets.
"""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

import knear

ROOT = Path(__file__).resolve().parents[2]
FASHION = Path("/usr/share/datasets/fashion-mnist")
SHARED = Path(os.environ.get("KNEAR_DATA", ROOT.parent / "shared" / "data"))
ROWS, QUERIES = 10_000, 200
CHANCE = 0.025  # of other random centroids and rotations

FAISS: dict[str, dict[str, float]] = {
    "fashion": {
        "SQ8": 0.98,
        "SQ6": 0.984,
        "SQ4": 0.936,
        "RaBitQ": 0.777,
        "RaBitQ2": 0.881,
        "RaBitQ4": 0.956,
        "PQ16": 0.645,
        "PQ56": 0.803,
        "PQ16x4fs": 0.325,
        "PQ112x4fs": 0.68,
        "LSH256r": 0.3,
    },  # fmt: skip
    "sift": {
        "SQ8": 0.989,
        "SQ6": 0.964,
        "SQ4": 0.868,
        "RaBitQ": 0.514,
        "RaBitQ2": 0.731,
        "RaBitQ4": 0.9,
        "PQ8": 0.58,
        "PQ16": 0.736,
        "PQ16x4fs": 0.453,
        "PQ32x4fs": 0.602,
        "OPQ16,PQ16": 0.7,
        "LSH256r": 0.433,
        "ZnLattice16x14_6": 0.672,
    },  # fmt: skip
    "words": {
        "SQ8": 0.985,
        "SQ6": 0.942,
        "SQ4": 0.8,
        "RaBitQ": 0.383,
        "RaBitQ2": 0.643,
        "RaBitQ4": 0.876,
        "PQ10": 0.361,
        "PQ25": 0.671,
        "PQ20x4fs": 0.3,
        "PQ50x4fs": 0.621,
        "OPQ20,PQ20": 0.574,
    },  # fmt: skip
}
METRICS = {"fashion": "l2", "sift": "l2", "words": "inner_product"}


def fashion(part: str, count: int) -> np.ndarray:
    with gzip.open(FASHION / f"{part}-images-idx3-ubyte.gz") as file:
        return np.frombuffer(file.read(16 + 784 * count), np.uint8, offset=16).reshape(-1, 784)


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows and queries."""
    if name == "fashion":
        return fashion("train", ROWS), fashion("t10k", QUERIES)
    stem = {"sift": "sift200k_{}_u8.npy", "words": "words60k_{}_f16.npy"}[name]
    base, queries = (np.load(SHARED / stem.format(part), mmap_mode="r") for part in ("base", "query"))
    return base[:ROWS], queries[:QUERIES]


@pytest.fixture(scope="module", params=list(FAISS))
def real(request):
    """Name, rows, queries, true neighbours."""
    try:
        x, queries = (np.ascontiguousarray(part, "float32") for part in load(request.param))
    except FileNotFoundError as missing:
        pytest.skip(f"no real data: {missing}")
    return request.param, x, queries, knear.knn(queries, x, 10, metric=METRICS[request.param])[1]


def test_recall_is_that_of_the_published_methods(real):
    name, x, queries, truth = real
    below = {}
    for spec, rival in FAISS[name].items():
        index = knear.index(spec, x.shape[1], metric=METRICS[name])
        index.train(x)
        index.add(x)
        recall = knear.recall(index.search(queries, 10)[1], truth, 10)
        if recall < rival - CHANCE:
            below[spec] = f"{recall:.3f}, Faiss {rival:.3f}"
    assert not below
