"""Functions of the module."""

import numpy as np
import pytest

import knear

from conftest import nearest


def test_knn_is_exact(rng):
    base, queries = rng.random((300, 5), dtype="float32"), rng.random((20, 5), dtype="float32")
    D, I = knear.knn(queries, base, 4)
    assert I.tolist() == nearest(queries, base, 4).tolist()
    D, I = knear.knn(queries, base, 4, knear.METRIC_INNER_PRODUCT)
    assert I.tolist() == np.argsort(-(queries @ base.T), axis=1, kind="stable")[:, :4].tolist()
    assert knear.knn(queries, base, 400)[1].shape == (20, 400)


@pytest.mark.parametrize("metric", ["l1", "linf", "lp:3", "canberra", "bray_curtis", "jensen_shannon", "jaccard"])
def test_knn_under_any_metric_finds_a_row_by_itself(rng, metric):
    base = rng.random((50, 5), dtype="float32") + 0.1
    assert knear.knn(base, base, 1, metric)[1].ravel().tolist() == list(range(50))


def test_knn_checks_its_arguments(rng):
    base = rng.random((30, 5), dtype="float32")
    with pytest.raises(ValueError, match="4"):
        knear.knn(base[:, :4], base, 1)
    with pytest.raises(ValueError, match="k = 0"):
        knear.knn(base, base, 0)
    with pytest.raises(ValueError, match="dimensions"):
        knear.knn(base, base[0], 1)


def test_normalising_happens_in_place(rng):
    x = rng.random((10, 6), dtype="float32")
    x[3] = 0
    want = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-30)
    wide = np.zeros((10, 9), "float32")
    wide[:, :6] = x
    assert knear.normalize_L2(x) is None
    np.testing.assert_allclose(x, want, rtol=1e-6)
    knear.normalize_L2(wide[:, :6])
    np.testing.assert_allclose(wide[:, :6], want, rtol=1e-6)
    assert (wide[:, 6:] == 0).all()


def test_normalising_what_cannot_change_is_an_error(rng):
    frozen = np.ones((2, 3), "float32")
    frozen.setflags(write=False)
    for bad in (np.ones((2, 3)), [[1.0, 2.0]], frozen):
        with pytest.raises(TypeError, match="writable float32"):
            knear.normalize_L2(bad)
    for bad in (np.ones(3, "float32"), np.ones((2, 6), "float32")[:, ::2]):
        with pytest.raises(ValueError):
            knear.normalize_L2(bad)


def test_recall_counts_the_shared():
    truth = np.array([[1, 2, 3], [4, 5, 6]])
    assert knear.recall(truth, truth, 3) == 1
    assert knear.recall(truth[:, ::-1], truth, 3) == 1
    assert knear.recall(np.array([[1, 9], [9, 4]], "int32"), truth, 2) == 0.5
    with pytest.raises(ValueError, match="recall@4"):
        knear.recall(truth, truth, 4)


def test_evaluation_measures(index, rows):
    found = knear.evaluate(index, rows, np.arange(100)[:, None], k=1, singles=20)
    assert found.recall == 1 and found.qps > 0 and len(found.latencies) == 20
    assert min(found.latencies) <= found.percentile(0.5) <= found.percentile(1) == max(found.latencies)


def test_threads_are_set_and_told():
    automatic = knear.num_threads()
    assert automatic >= 1
    knear.set_num_threads(3)
    assert knear.num_threads() == knear.omp_get_max_threads() == 3
    knear.omp_set_num_threads(0)
    assert knear.num_threads() == automatic
    with pytest.raises(ValueError, match="n = -1"):
        knear.set_num_threads(-1)


def test_any_thread_count_gives_the_same(index, rows):
    answers = {index.search(rows, 9, num_threads=n)[0].tobytes() for n in (None, 0, 1, 2, 7)}
    assert len(answers) == 1
    with pytest.raises(ValueError, match="num_threads = -2"):
        index.search(rows, 9, num_threads=-2)


def test_facts_of_the_process():
    assert knear.cpu_level() in {"portable", "avx2", "avx512", "avx512_vnni", "neon", "neon_dot"}
    assert knear.get_mem_usage_kb() > 1000
    assert knear.__version__ == knear.version()


def test_every_error_is_what_a_caller_would_catch():
    pairs = {
        "InvalidArgument": ValueError,
        "WrongType": TypeError,
        "WrongState": RuntimeError,
        "NotFound": KeyError,
        "DuplicateId": ValueError,
        "CorruptFile": OSError,
        "IoFailure": OSError,
        "Conflict": OSError,
        "OutOfMemory": MemoryError,
        "Timeout": TimeoutError,
        "Unsupported": NotImplementedError,
        "Stopped": knear.Error,
    }
    for name, builtin in pairs.items():
        kind = getattr(knear, name)
        assert issubclass(kind, builtin) and issubclass(kind, knear.Error)
        assert str(kind("a message")) == "a message"
