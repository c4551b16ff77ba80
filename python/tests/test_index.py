"""Index: every operation, and what it says when it cannot."""

import numpy as np
import pytest

import knear

from conftest import nearest


def test_search_finds_the_nearest_in_order(index, rows, rng):
    queries = rng.random((9, 8), dtype="float32")
    D, I = index.search(queries, 5)
    assert (D.dtype, I.dtype, D.shape, I.shape) == (np.float32, np.int64, (9, 5), (9, 5))
    assert I.tolist() == nearest(queries, rows, 5).tolist()
    np.testing.assert_allclose(D, ((queries[:, None] - rows[I]) ** 2).sum(axis=2), rtol=1e-5)


def test_one_query_and_many_give_the_same_bits(index, rng):
    queries = rng.random((65, 8), dtype="float32")
    D, I = index.search(queries, 7)
    for i in range(65):
        d, ids = index.search(queries[i : i + 1], 7, num_threads=1)
        assert d.tobytes() == D[i : i + 1].tobytes() and ids.tobytes() == I[i : i + 1].tobytes()


def test_more_than_there_is_is_padded(index):
    D, I = index.search(np.zeros((2, 8)), 150)
    assert (I[:, 100:] == -1).all() and (D[:, 100:] == np.finfo("float32").max).all()
    assert (I[:, :100] >= 0).all()
    similar = knear.IndexFlatIP(8)
    D, I = similar.search(np.zeros((1, 8)), 2)
    assert I.tolist() == [[-1, -1]] and (D == np.finfo("float32").min).all()


def test_a_query_with_nan_finds_nothing(index):
    queries = np.zeros((2, 8), "float32")
    queries[1, 3] = np.nan
    I = index.search(queries, 3)[1]
    assert (I[0] >= 0).all() and (I[1] == -1).all()


def test_results_go_into_the_callers_arrays(index, rows):
    D, I = np.empty((3, 4), "float32"), np.empty((3, 4), "int64")
    d, ids = index.search(rows[:3], 4, D=D, I=I)
    assert d is D and ids is I
    assert I[:, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "bad",
    [np.empty((4, 3), "float32"), np.empty((3, 4), "float64"), np.empty((3, 8), "float32")[:, ::2], np.zeros(12, "f4")],
    ids=["shape", "dtype", "gaps", "rank"],
)
def test_an_output_array_that_does_not_fit_is_a_value_error(index, rows, bad):
    with pytest.raises(ValueError, match=r"D must be .* \(3, 4\)"):
        index.search(rows[:3], 4, D=bad)


def test_a_read_only_output_array_is_refused(index, rows):
    D = np.zeros((3, 4), "float32")
    D.setflags(write=False)
    with pytest.raises(ValueError, match="writable"):
        index.search(rows[:3], 4, D=D)
    assert (D == 0).all()


def test_statistics_come_with_a_search(index, rows):
    D, I, stats = index.search(rows[:3], 4, return_stats=True)
    assert stats.queries == 3 and stats.rows_scored >= 300 and stats.seconds >= 0
    assert repr(stats).startswith("SearchStats(queries=3, ")


@pytest.mark.parametrize("k", [0, -1, -(10**30)])
def test_k_below_one_is_a_value_error(index, rows, k):
    with pytest.raises(ValueError, match="k = "):
        index.search(rows, k)


def test_k_is_an_integer_of_any_make(index, rows):
    assert index.search(rows[:1], np.int16(3))[1].shape == (1, 3)
    for k in (3.0, "3", None):
        with pytest.raises(TypeError):
            index.search(rows[:1], k)


def test_results_beyond_memory_are_a_memory_error(index, rows):
    for k in (2**62, 10**30):
        with pytest.raises(MemoryError):
            index.search(rows[:2], k)


def test_range_search_gives_all_within_the_radius(index, rows, rng):
    queries = rng.random((4, 8), dtype="float32")
    lims, D, I = index.range_search(queries, 0.6)
    exact = ((queries[:, None].astype("f8") - rows[None].astype("f8")) ** 2).sum(axis=2)
    for i in range(4):
        found = I[lims[i] : lims[i + 1]]
        assert set(found.tolist()) == set(np.flatnonzero(exact[i] < 0.6).tolist())
        assert (np.diff(D[lims[i] : lims[i + 1]]) >= 0).all()
    lims, D, I = index.range_search(queries, 0.0)
    assert lims.tolist() == [0] * 5 and D.shape == I.shape == (0,)


def test_ids_are_the_users(rows):
    index = knear.IndexFlatL2(8)
    ids = np.arange(100) * 10 - 500
    ids[50] = 10**12
    index.add_with_ids(rows, ids)
    assert index.ids().tolist() == ids.tolist()
    assert index.search(rows, 1)[1].ravel().tolist() == ids.tolist()
    assert 10**12 in index and 1 not in index and "x" not in index and 10**40 not in index
    index.add(rows[:1])
    assert index.ids()[-1] == 10**12 + 1


def test_a_duplicate_id_is_an_error_or_what_the_caller_says(rows):
    index = knear.IndexFlatL2(8)
    index.add(rows[:3])
    with pytest.raises(knear.DuplicateId, match="1") as caught:
        index.add(rows[3:5], ids=[7, 1])
    assert isinstance(caught.value, ValueError) and index.ids().tolist() == [0, 1, 2]
    index.add(rows[3:4], ids=[1], on_duplicate="replace")
    assert index.get(1).tolist() == rows[3].tolist() and len(index) == 3
    index.add(rows[4:5], ids=[1], on_duplicate="allow")
    assert len(index) == 4
    lenient = knear.IndexFlatL2(8, on_duplicate="replace")
    lenient.add(rows[:2], ids=[5, 6])
    lenient.add(rows[2:3], ids=[5])
    assert len(lenient) == 2 and lenient.on_duplicate == "replace"


@pytest.mark.parametrize(
    ("ids", "error"),
    [
        ([1, 2], ValueError),
        ([[1], [2], [3]], TypeError),
        (np.zeros((3, 1), int), ValueError),
        ([1.0, 2.0, 3.0], TypeError),
        (np.zeros(3), TypeError),
        (np.zeros(3, bool), TypeError),
        ([True, False, True], TypeError),
        (["a", "b", "c"], TypeError),
        ([1, 2, 2**63], ValueError),
        (np.full(3, 2**63, "uint64"), ValueError),
        ([-1, 2, 3], ValueError),
        ([], ValueError),
        ("abc", TypeError),
    ],
    ids=str,
)
def test_ids_that_do_not_fit_are_refused(rows, ids, error):
    index = knear.IndexFlatL2(8)
    with pytest.raises(error) as caught:
        index.add(rows[:3], ids=ids)
    assert isinstance(caught.value, knear.Error) and len(index) == 0


@pytest.mark.parametrize("dtype", ["int8", "int32", "uint16", "uint64", ">i8"])
def test_ids_of_any_integer_type(rows, dtype):
    index = knear.IndexFlatL2(8)
    index.add(rows[:3], np.array([9, 8, 7], dtype))
    index.add(rows[3:5], np.arange(60).astype(dtype)[::-20][:2])
    assert index.ids().tolist() == [9, 8, 7, 59, 39]


def test_nan_rows_are_rejected_skipped_or_kept(rows):
    x = rows[:3].copy()
    x[1, 2] = np.inf
    index = knear.IndexFlatL2(8)
    with pytest.raises(ValueError, match="1"):
        index.add(x)
    assert index.add(x, nan_policy="skip") == 2
    assert index.add(x, nan_policy="keep") == 3
    with pytest.raises(ValueError, match="nan_policy"):
        index.add(x, nan_policy="ignore")


def test_rows_come_back(index, rows):
    assert index.get([3, 1]).tolist() == rows[[3, 1]].tolist()
    assert index.get(5).tolist() == rows[5].tolist()
    assert index.get(np.int64(5)).shape == (8,)
    assert index.reconstruct(5).tolist() == rows[5].tolist()
    assert index.reconstruct_batch([1, 2]).tolist() == rows[[1, 2]].tolist()
    assert index.reconstruct_n(10, 3).tolist() == rows[10:13].tolist()
    assert index.reconstruct_n().shape == (100, 8)
    out = np.empty(8, "float32")
    assert index.reconstruct(7, out) is out and out.tolist() == rows[7].tolist()
    with pytest.raises(ValueError, match="98 to 108 of 100"):
        index.reconstruct_n(98, 10)
    with pytest.raises(KeyError, match="777") as caught:
        index.get([3, 777])
    assert isinstance(caught.value, knear.NotFound) and not str(caught.value).startswith("'")


def test_found_rows_come_with_the_search(rows):
    index = knear.IndexFlatL2(8)
    index.add(rows[:2])
    D, I, R = index.search_and_reconstruct(rows[:2], 3)
    assert R.shape == (2, 3, 8)
    assert R[1, 0].tolist() == rows[1].tolist() and np.isnan(R[:, 2]).all()


def test_assign_gives_ids_alone(index, rows):
    assert index.assign(rows[:4]).ravel().tolist() == [0, 1, 2, 3]
    labels = np.empty((4, 2), "int64")
    assert index.assign(rows[:4], 2, labels) is labels


def test_removal_leaves_the_other_ids(index, rows):
    assert index.remove([3, 4, 1000]) == 2
    assert index.remove_ids(np.array([5, 6])) == 2
    assert index.remove_ids(knear.IDSelectorRange(90, 100)) == 10
    assert index.remove(lambda id: id == 7) == 1
    assert index.remove(range(8, 10)) == 2
    assert index.remove({10, 11}) == 2
    assert index.remove(12) == index.remove(np.int64(13)) == 1
    mask = np.zeros(len(index), bool)
    mask[0] = True
    assert index.remove(mask) == 1
    left = [i for i in range(100) if i not in {0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13} and i < 90]
    assert index.ids().tolist() == left
    assert index.search(rows[left], 1)[1].ravel().tolist() == left
    index.reset()
    assert index.ntotal == 0


def test_update_moves_a_vector(index, rows):
    index.update([2, 3], rows[[3, 2]])
    assert index.search(rows[2:4], 1)[1].ravel().tolist() == [3, 2]
    with pytest.raises(KeyError, match="500"):
        index.update([2, 500], rows[:2])
    assert index.get(2).tolist() == rows[3].tolist()


def test_merging_leaves_the_source(index, rows):
    other = knear.IndexFlatL2(8)
    other.add(rows[:5] + 10)
    with pytest.raises(knear.DuplicateId):
        index.merge(other)
    assert len(index) == 100
    index.merge(other, ids="shift")
    assert index.ids().tolist() == list(range(105)) and len(other) == 5
    index.merge_from(other)
    assert len(index) == 110
    with pytest.raises(ValueError, match="8|9"):
        index.merge(knear.IndexFlatL2(9))
    with pytest.raises(RuntimeError):
        index.merge(index)


def test_classes_say_what_they_are():
    assert isinstance(knear.IndexFlatL2(4), knear.IndexFlat)
    assert isinstance(knear.IndexFlat(4), knear.Index)
    assert type(knear.index("Flat", 4)) is knear.IndexFlatL2
    assert type(knear.index_factory(4, "Flat", knear.METRIC_INNER_PRODUCT)) is knear.IndexFlatIP
    assert type(knear.index("Flat", 4, "cosine")) is knear.IndexFlatCosine
    assert type(knear.index("Flat", 1, "l1")) is knear.IndexFlat1D
    assert type(knear.index("Flat", 4, "linf")) is knear.IndexFlat
    index = knear.index("Flat,dtype=float16", 4, knear.METRIC_L1)
    assert (index.d, index.dim, index.metric, index.metric_type, index.dtype) == (4, 4, "l1", 2, "float16")
    assert knear.index(index.spec, 4).dtype == "float16"
    assert "knear.IndexFlat " in repr(index) and "4 dimensions" in repr(index)


def test_one_dimension_is_plain_distance():
    index = knear.IndexFlat1D()
    index.add([[1], [4], [6]])
    D, I = index.search([[5.5]], 2)
    assert D.tolist() == [[0.5, 1.5]] and I.tolist() == [[2, 1]]


def test_cosine_needs_no_normalising(rows):
    index = knear.IndexFlatCosine(8)
    index.add(rows * np.arange(1, 101)[:, None])
    D, I = index.search(rows * 3, 1)
    assert I.ravel().tolist() == list(range(100))
    assert (D <= 1).all() and (D > 0.99999).all()


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: knear.IndexFlatL2(0), ValueError, "dim = 0"),
        (lambda: knear.IndexFlatL2(-3), ValueError, "dim = -3"),
        (lambda: knear.IndexFlatL2(10**9), ValueError, "1000000000"),
        (lambda: knear.IndexFlatL2("8"), TypeError, "."),
        (lambda: knear.IndexFlat(8, "euclid"), ValueError, "euclid"),
        (lambda: knear.IndexFlat(8, 77), ValueError, "77"),
        (lambda: knear.IndexFlat(8, None), TypeError, "metric"),
        (lambda: knear.index("Flut", 8), ValueError, "Flut"),
        (lambda: knear.index("Flat", 8, dtype="float12"), TypeError, "float12"),
        (lambda: knear.index("Flat,dtype=int8", 8, dtype="uint8"), ValueError, "contradicts"),
        (lambda: knear.index("Flat", 8, on_duplicate="never"), ValueError, "never"),
    ],
)
def test_an_index_that_cannot_be_is_refused(make, error, says):
    with pytest.raises(error, match=says):
        make()


def test_unknown_attributes_are_errors(index):
    for each in (index, knear.index("Flat", 3), knear.SearchParameters()):
        with pytest.raises(AttributeError):
            each.nprobs = 8
    with pytest.raises(TypeError):
        knear.SearchParameters(selector=None)
    with pytest.raises(TypeError):
        index.search(np.zeros((1, 8)), 1, ef=3)


def test_an_index_never_built_is_an_error_not_a_crash():
    class Half(knear.Index):
        def __init__(self):
            pass

    with pytest.warns(RuntimeWarning, match="uninitialized"), pytest.raises(TypeError):
        Half().search([[1.0]], 1)
    with pytest.raises(RuntimeError, match="never built"):
        repr(knear.Index.__new__(knear.Index))


def test_facts_about_an_index(index):
    assert len(index) == index.stats.ntotal == 100
    assert index.stats.code_bytes == 32 and index.stats.memory_bytes >= 3200
    assert index.capabilities().exact and not index.capabilities().needs_training
    report = index.verify()
    assert report.ok and report.problems == []
    index.train(np.zeros((3, 8)))


def test_metadata_is_a_live_mapping(index):
    index.metadata["model"] = "ünïcode"
    index.metadata.update(raw=b"\xff\x00", day="2")
    assert dict(index.metadata) == {"model": "ünïcode", "raw": b"\xff\x00", "day": "2"}
    del index.metadata["day"]
    assert "day" not in index.metadata and len(index.metadata) == 2
    with pytest.raises(TypeError, match="str or bytes"):
        index.metadata["n"] = 3
    with pytest.raises(KeyError):
        index.metadata["none"]


def test_codes_by_themselves():
    x = np.arange(12, dtype="float32").reshape(4, 3)
    index = knear.IndexFlat(3, dtype="float16")
    codes = index.sa_encode(x)
    assert codes.dtype == np.uint8 and codes.shape == (4, 6) == (4, index.code_size) and index.ntotal == 0
    assert (index.sa_decode(codes) == x).all() and (index.sa_decode(codes[::-2]) == x[::-2]).all()
    assert index.sa_code_size() == 6 and index.sa_encode(x[:0]).shape == (0, 6)
    assert index.sa_decode(codes[:0]).shape == (0, 3)
    with pytest.raises(ValueError, match="6 bytes each, not 5"):
        index.sa_decode(codes[:, :5])
    with pytest.raises(TypeError, match="uint8"):
        index.sa_decode(x)
    with pytest.raises(ValueError, match="row 1"):
        index.sa_encode([[1, 2, 3], [1, 2, np.nan]])


def test_searches_by_whole_numbers_find_the_same():
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(6000, 48)).astype(np.float32)
    queries = rng.normal(size=(150, 48)).astype(np.float32)
    for metric in ("l2", "ip", "cosine"):
        plain = knear.index("Flat,exact=fp32", 48, metric)
        certified = knear.index("Flat,exact=int8", 48, metric)
        plain.add(rows)
        certified.add(rows)
        assert plain.stats.shadow_bytes == 0 and plain.stats.shadow == ""
        assert certified.stats.shadow_bytes == 48 + 12 and certified.stats.shadow.startswith("int8")
        for some in (queries, queries[:1]):
            distances, ids = plain.search(some, 10)
            found_distances, found_ids = certified.search(some, 10)
            np.testing.assert_array_equal(ids, found_ids)
            np.testing.assert_array_equal(distances, found_distances)
    with pytest.raises(knear.InvalidArgument, match="exact=int4"):
        knear.index("Flat,exact=int4", 8)
