"""Graphs, by factory string."""

import pickle

import numpy as np
import pytest

import knear


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((4000, 24)).astype(np.float32)


@pytest.mark.parametrize("spec", ["HNSW16", "HNSW16,SQ8", "PCA16,HNSW16,Flat", "HNSW16,SQ4,RFlat", "IVF16_HNSW8,Flat"])
def test_rows_find_themselves(rows: np.ndarray, spec: str) -> None:
    index = knear.index_factory(24, spec)
    index.train(rows)
    index.add(rows)
    _, ids = index.search(rows[:200], 1)
    assert (ids[:, 0] == np.arange(200)).mean() > 0.97


def test_graphs_change_and_come_back_from_bytes(rows: np.ndarray) -> None:
    index = knear.index_factory(24, "HNSW16,ef_search=128")
    index.add(rows)
    index.remove_ids(np.arange(0, 4000, 2))
    again = pickle.loads(pickle.dumps(index))
    assert again.spec == "HNSW16,ef_search=128,Flat"
    assert again.ntotal == 2000
    _, ids = again.search(rows[1:400:2], 5)
    assert (ids[:, 0] == np.arange(1, 400, 2)).all()
    assert (ids % 2 == 1).all()


def test_graphs_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValueError, match="M = 1 edges"):
        knear.index_factory(24, "HNSW1")
