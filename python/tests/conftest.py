"""Shared pieces of the tests: small seeded data, and an index that holds it."""

import numpy as np
import pytest

import knear


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def rows(rng):
    return rng.random((100, 8), dtype="float32")


@pytest.fixture
def index(rows):
    made = knear.IndexFlatL2(8)
    made.add(rows)
    return made


def nearest(queries, base, k):
    """Ids of the k nearest rows, the slow and obvious way."""
    q, b = np.asarray(queries, dtype="float64"), np.asarray(base, dtype="float64")
    distances = ((q[:, None, :] - b[None, :, :]) ** 2).sum(axis=2)
    return np.argsort(distances, axis=1, kind="stable")[:, :k]
