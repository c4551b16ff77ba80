"""The program that most users run first, with the ids and distances it must print."""

import warnings

import numpy as np

import knear as faiss

SELF_IDS = [[0, 998, 1309, 1134], [1, 252, 2013, 2790], [2, 1046, 1342, 1204], [3, 56, 1846, 910], [4, 714, 324, 50]]
SELF_DISTANCES = [
    [0, 323.07217, 325.1012, 325.8144],
    [0, 308.83826, 313.52512, 317.5051],
    [0, 313.24506, 313.52145, 316.1954],
    [0, 311.7074, 313.01157, 313.31152],
    [0, 316.34128, 316.5642, 317.65128],
]
QUERY_IDS = [
    [646, 239, 973, 543],
    [725, 925, 1717, 557],
    [823, 105, 1248, 650],
    [324, 1716, 212, 300],
    [1074, 1555, 704, 1711],
]


def test_exact_search_of_7030_features():
    d, nb, nq = 2048, 7030, 10
    np.random.seed(1234)
    xb = np.random.random((nb, d)).astype("float32")
    xb[:, 0] += np.arange(nb) / 1000.0
    xq = np.random.random((nq, d)).astype("float32")
    xq[:, 0] += np.arange(nq) / 1000.0

    index = faiss.IndexFlatL2(d)
    assert index.is_trained is True
    index.add(xb)
    assert index.ntotal == 7030

    D, I = index.search(xb[:5], 4)
    assert I.tolist() == SELF_IDS
    np.testing.assert_allclose(D, SELF_DISTANCES, atol=1e-3)
    assert (D[:, 0] == 0).all()

    D, I = index.search(xq[:5], 4)
    assert I.tolist() == QUERY_IDS


def test_compressed_search_of_the_same_features():
    d, nb = 2048, 7030
    np.random.seed(1234)
    xb = np.random.random((nb, d)).astype("float32")
    xb[:, 0] += np.arange(nb) / 1000.0
    quantizer = faiss.IndexFlatL2(d)
    index = faiss.IndexIVFPQ(quantizer, d, 100, 8, 8)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        index.train(xb)
    assert len(told) == 1, "few rows for 256 centroids: said once"
    index.add(xb)
    index.nprobe = 10
    D, I = index.search(xb[:5], 4)
    assert all(i in I[i] for i in range(5))
    assert (np.diff(D, axis=1) >= 0).all()
