"""Indexes with cells."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import knear

D = 16


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(40, D)) * 2
    return (centres[rng.integers(40, size=4000)] + rng.normal(size=(4000, D))).astype("float32")


def full(make, x):
    index = make(knear.IndexFlatL2(D))
    index.train(x)
    index.add(x)
    return index


CLASSES = [
    (lambda q: knear.IndexIVFFlat(q, D, 30), "IVF30,Flat"),
    (lambda q: knear.IndexIVFFlat(q, D, 30, knear.METRIC_L2, True), "IVF30,Flat"),
    (lambda q: knear.IndexIVFPQ(q, D, 30, 4, 8), "IVF30,PQ4x8"),
    (lambda q: knear.IndexIVFPQFastScan(q, D, 30, 8), "IVF30,PQ8x4fs"),
    (lambda q: knear.IndexIVFScalarQuantizer(q, D, 30, knear.ScalarQuantizer.QT_6bit), "IVF30,SQ6"),
    (lambda q: knear.IndexIVFRaBitQ(q, D, 30, nb_bits=4), "IVF30,RaBitQ4"),
    (lambda q: knear.IndexIVF(q, D, 30, "PQ4x8", by_residual=False), "IVF30,by_residual=off,PQ4x8"),
    (lambda q: knear.IndexIVFPQR(q, D, 30, 4, 8, 8, 6), "IVF30,PQ4x8+8x6"),
    (lambda q: knear.IndexIVFFlatDedup(q, D, 30), "IVF30,FlatDedup"),
]


@pytest.mark.parametrize(("make", "spec"), CLASSES)
def test_every_class_builds_searches_and_comes_back(make, spec, x, tmp_path):
    index = full(make, x)
    assert index.spec == spec
    assert index.nlist == 30 and len(index.invlists) == 30
    found = index.search(x[:50], 10, nprobe=30)[1]
    assert sum(i in row for i, row in enumerate(found)) >= 30
    index.nprobe = 5
    before = index.search(x[:20], 5)
    path = tmp_path / "index"
    index.save(path)
    for again in (knear.load(path, mmap=True), knear.load(path, mmap=False), pickle.loads(pickle.dumps(index)),
                  copy.deepcopy(index)):  # fmt: skip
        assert isinstance(again, type(index))
        assert again.nprobe == 5 and again.spec == index.spec
        np.testing.assert_array_equal(again.search(x[:20], 5)[1], before[1])
        np.testing.assert_array_equal(again.search(x[:20], 5)[0], before[0])


def test_lists_hold_all_ids_once(x):
    index = full(CLASSES[0][0], x)
    sizes = index.list_sizes
    assert sizes.sum() == len(x) and index.imbalance >= 1
    ids = np.concatenate([index.invlists.get_ids(i) for i in range(index.nlist)])
    assert sorted(ids) == list(range(len(x)))
    cell = int(sizes.argmax())
    assert index.get_list_size(cell) == sizes[cell] == index.invlists.list_size(cell)
    codes = index.invlists.get_codes(cell)
    assert codes.shape == (sizes[cell], index.code_size) and index.code_size == 4 * D
    np.testing.assert_array_equal(codes.view("float32"), x[index.invlists.get_ids(cell)])
    with pytest.raises(knear.InvalidArgument):
        index.invlists.get_ids(30)


def test_drift_tells_that_vectors_became_other_ones(x):
    index = full(CLASSES[4][0], x)
    assert 0.9 < index.drift < 1.1
    index.add(x + 3)
    assert index.drift > 1.5
    assert pickle.loads(pickle.dumps(index)).drift == index.drift


def test_cells_chosen_by_the_caller(x):
    index = full(CLASSES[1][0], x)
    cells = index.quantizer.search(x[:30], 4)[1]
    D1, I1 = index.search(x[:30], 5, nprobe=4)
    D2, I2 = index.search_preassigned(x[:30], 5, cells)
    np.testing.assert_array_equal(I1, I2)
    np.testing.assert_array_equal(D1, D2)
    index.search_preassigned(x[:2], 5, [[1, -1], [2, 3]])
    with pytest.raises(knear.InvalidArgument):
        index.search_preassigned(x[:2], 5, [[1], [30]])
    with pytest.raises(knear.InvalidArgument):
        index.search_preassigned(x[:2], 5, [1, 2, 3])


def test_search_parameters(x):
    index = full(CLASSES[0][0], x)
    stats = index.search(x[:10], 5, nprobe=3, return_stats=True)[2]
    assert stats.lists_visited == 30 and stats.coarse_seconds > 0 and stats.scan_seconds > 0
    assert stats.bytes_scored == stats.rows_scored * index.stats.code_bytes
    params = knear.SearchParametersIVF(nprobe=3, sel=knear.IDSelectorRange(0, 2000))
    I = index.search(x[:10], 5, params=params)[1]
    assert (I < 2000).all() and (I >= 0).all()
    few = index.search(x[:10], 5, nprobe=30, max_codes=1, return_stats=True)[2]
    assert few.lists_visited == 10
    assert knear.IVFSearchParameters is knear.SearchParametersIVF
    lims, _, found = index.range_search(x[:3], 4.0, nprobe=30)
    exact = knear.IndexFlatL2(D)
    exact.add(x)
    assert sorted(found) == sorted(exact.range_search(x[:3], 4.0)[2])
    for bad in (0, -1):
        with pytest.raises(knear.InvalidArgument):
            index.search(x[:1], 1, nprobe=bad)
        with pytest.raises(knear.InvalidArgument):
            index.nprobe = bad
    index.search(x[:1], 1, nprobe=10**6)
    with pytest.raises(knear.InvalidArgument):
        index.search(x[:1], 1, nprobe=2, params=params)
    with pytest.raises(knear.InvalidArgument):
        exact.search(x[:1], 1, nprobe=2)
    with pytest.raises(AttributeError):
        index.nprobs = 8


def test_change(x):
    index = full(CLASSES[3][0], x)
    assert index.remove_ids(np.arange(100)) == 100
    assert index.ntotal == 3900 and 5 not in index.ids()
    index.add(x[:100], ids=np.arange(100))
    index.update([7], x[2000:2001])
    assert index.search(x[2000:2001], 2, nprobe=30)[1].tolist()[0] in ([7, 2000], [2000, 7])
    with pytest.raises(knear.WrongState):
        index.quantizer.add(x)


def test_a_full_quantizer_stays_as_it_is(x):
    centroids = x[::100].copy()
    quantizer = knear.IndexFlatL2(D)
    quantizer.add(centroids)
    index = knear.IndexIVFFlat(quantizer, D, 40)
    assert index.is_trained
    index.add(x)
    np.testing.assert_array_equal(index.quantizer.get(range(40)), centroids)
    with pytest.raises(knear.InvalidArgument):
        knear.IndexIVFFlat(knear.IndexFlatL2(D), 8, 40)


def test_four_shards_are_one_index(x):
    whole = full(CLASSES[2][0], x)
    shards = []
    for i in range(4):
        shard = pickle.loads(pickle.dumps(whole))
        shard.reset()
        part = np.arange(i, len(x), 4)
        shard.add(x[part], ids=part)
        shards.append(shard)
    for shard in shards[1:]:
        shards[0].merge(shard)
        assert shard.ntotal == 1000
    one, four = whole.search(x[:100], 10, nprobe=7), shards[0].search(x[:100], 10, nprobe=7)
    np.testing.assert_array_equal(one[1], four[1])
    np.testing.assert_array_equal(one[0], four[0])


def test_subsets(x):
    index = full(CLASSES[0][0], x)
    other = pickle.loads(pickle.dumps(index))
    other.reset()
    index.copy_subset_to(other, 0, 100, 200)
    index.copy_subset_to(other, 1, 1000, 7)
    assert sorted(other.ids()) == [7, *range(100, 200), 1007, 2007, 3007]
    with pytest.raises(knear.InvalidArgument):
        index.copy_subset_to(other, 9, 0, 1)


def test_compressed_search_of_2048_dimensions():
    d, nb = 2048, 7030
    np.random.seed(1234)
    xb = np.random.random((nb, d)).astype("float32")
    xb[:, 0] += np.arange(nb) / 1000.0
    quantizer = knear.IndexFlatL2(d)
    index = knear.IndexIVFPQ(quantizer, d, 100, 8, 8)
    with pytest.warns(RuntimeWarning, match="7030 rows for the 256 centroids") as warned:
        index.train(xb)
    assert len(warned) == 1
    index.add(xb)
    index.nprobe = 10
    D, I = index.search(xb[:5], 4)
    assert sum(i in row for i, row in enumerate(I)) >= 4
    assert (np.diff(D) >= 0).all()


def test_two_quantizers_find_no_less_than_those_of_faiss():
    faiss = pytest.importorskip("faiss")
    rng = np.random.default_rng(3)
    d = 32
    centres = rng.normal(size=(200, d)) * 2
    x = (centres[rng.integers(200, size=22000)] + rng.normal(size=(22000, d))).astype("float32")
    xb, xq = x[:20000], x[20000:]
    exact = knear.IndexFlatL2(d)
    exact.add(xb)
    truth = exact.search(xq, 10)[1]

    ours = knear.IndexIVFPQR(knear.IndexFlatL2(d), d, 64, 8, 8, 8, 8)
    theirs = faiss.IndexIVFPQR(faiss.IndexFlatL2(d), d, 64, 8, 8, 8, 8)
    recalls = []
    for index in (ours, theirs):
        index.train(xb)
        index.add(xb)
        index.nprobe = 8
        index.k_factor = 4
        found = index.search(xq, 10)[1]
        at_10 = np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(found, truth, strict=True)])
        recalls.append((np.mean(found[:, 0] == truth[:, 0]), at_10))
    print(recalls)
    assert recalls[0][0] >= recalls[1][0] - 0.01
    assert recalls[0][1] >= recalls[1][1] - 0.005


def test_equal_vectors_are_stored_once_and_all_found(x):
    twice = np.concatenate([x, x[::-1]])
    index = full(CLASSES[-1][0], twice)
    plain = full(CLASSES[0][0], twice)
    assert index.ntotal == 8000 and index.stats.distinct_rows == 4000 and index.list_sizes.sum() == 4000
    for nprobe in (30, 10):
        D1, I1 = index.search(x[:200], 10, nprobe=nprobe)
        D2, I2 = plain.search(x[:200], 10, nprobe=nprobe)
        np.testing.assert_array_equal(D1, D2)
        np.testing.assert_array_equal(I1, I2)
    few = index.search(x[:50], 4, nprobe=30, filter=lambda id: id >= 4000)[1]
    np.testing.assert_array_equal(few[:, 0], 7999 - np.arange(50))
    assert index.remove_ids(np.arange(4000)) == 4000 and index.stats.distinct_rows == 4000
    np.testing.assert_array_equal(index.search(x[:50], 1, nprobe=30)[1][:, 0], 7999 - np.arange(50))
    assert index.nprobe >= 1 and index.quantizer.ntotal == 30
    with pytest.raises(knear.Unsupported):
        index.search_preassigned(x[:1], 1, [[0]])
    flat = knear.index("FlatDedup", D)
    assert type(flat) is knear.Index and flat.add(np.zeros((9, D), "float32")) == 9 and flat.stats.distinct_rows == 1


def test_k_factor_of_two_quantizers_means_nothing():
    index = knear.IndexIVFPQR(knear.IndexFlatL2(D), D, 30, 4, 8, 8, 6)
    index.k_factor = 4
    assert index.k_factor == 1
    with pytest.raises(knear.InvalidArgument):
        index.k_factor = 0.5
    with pytest.raises(knear.InvalidArgument):
        knear.IndexIVFPQR(knear.IndexFlatL2(D), D, 30, 4, 8, 7, 8)


QUANTIZERS = [
    (lambda: knear.MultiIndexQuantizer(D, 2, 4), "IMI2x4,PQ4x8"),
    (lambda: knear.ResidualCoarseQuantizer(D, 2, 4), "IVF256(RCQ2x4),PQ4x8"),
    (lambda: knear.ResidualCoarseQuantizer(D, 2, 4, beam_factor=-1), "IVF256(RCQ2x4,beam_factor=-1),PQ4x8"),
]


@pytest.mark.parametrize(("make", "spec"), QUANTIZERS)
def test_cells_that_are_combinations(make, spec, x, tmp_path):
    quantizer = make()
    assert (quantizer.M, quantizer.nbits, quantizer.ntotal, quantizer.is_trained) == (2, 4, 0, False)
    index = knear.IndexIVFPQ(quantizer, D, 256, 4, 8)
    assert index.spec == spec == knear.index(spec, D).spec
    index.train(x)
    assert quantizer.ntotal == 256 and quantizer.is_trained
    index.add(x)
    assert index.list_sizes.sum() == len(x)
    assert isinstance(index.quantizer, type(make()))
    index.nprobe = 40
    found = index.search(x[:200], 10)
    assert np.mean([i in row for i, row in enumerate(found[1])]) > 0.8
    path = tmp_path / "index"
    index.save(path)
    for again in (knear.load(path), pickle.loads(pickle.dumps(index))):
        assert type(again) is type(index) and again.spec == index.spec
        np.testing.assert_array_equal(again.search(x[:200], 10)[1], found[1])
    alone = pickle.loads(pickle.dumps(quantizer))
    assert type(alone) is type(quantizer) and alone.spec == quantizer.spec
    np.testing.assert_array_equal(alone.search(x[:50], 7)[1], quantizer.search(x[:50], 7)[1])
    np.testing.assert_array_equal(alone.get([0, 255]), quantizer.get([0, 255]))
    assert index.quantizer_trains_alone == 1
    with pytest.raises(knear.InvalidArgument):
        index.quantizer_trains_alone = 0
    with pytest.raises(knear.Unsupported):
        alone.add(x)
    with pytest.raises(knear.InvalidArgument):
        knear.IndexIVFPQ(make(), D, 255, 4, 8)


def test_a_quantizer_of_combinations_trained_before_stays_as_it_is(x):
    quantizer = knear.MultiIndexQuantizer(D, 2, 4)
    quantizer.train(x[:1000])
    before = quantizer.get(range(256))
    index = knear.IndexIVFFlat(quantizer, D, 256)
    assert index.is_trained
    index.train(x)
    np.testing.assert_array_equal(index.quantizer.get(range(256)), before)


def test_beam_factor(x):
    for factor in (4.0, 8.0, -1.0):
        quantizer = knear.ResidualCoarseQuantizer(D, 3, 3, beam_factor=factor)
        assert quantizer.beam_factor == factor
        quantizer.train(x)
        exact = knear.IndexFlatL2(D)
        exact.add(quantizer.get(range(512)))
        same = (quantizer.search(x[:300], 10)[1] == exact.search(x[:300], 10)[1]).mean()
        assert same == 1 if factor < 0 else same > 0.8
    with pytest.raises(knear.InvalidArgument):
        knear.ResidualCoarseQuantizer(D, 3, 3, beam_factor=0.5)


def test_two_layers_are_looked_through(x):
    for quantizer, nlist in ((knear.IndexFlatL2(D), 30), (knear.MultiIndexQuantizer(D, 2, 4), 256)):
        index = knear.Index2Layer(quantizer, nlist, 4)
        assert index.nprobe == nlist and index.by_residual
        index.train(x)
        index.add(x)
        assert index.search(x[:10], 5, return_stats=True)[2].rows_scored == 10 * len(x)
        codes = index.sa_encode(x[:20])
        assert codes.shape == (20, index.sa_code_size()) and index.sa_code_size() == 5
        assert np.square(index.sa_decode(codes) - x[:20]).sum() < np.square(x[:20]).sum() / 4
    assert knear.index("Residual30,PQ4", D).spec == "IVF30,by_residual=on,nprobe=30,PQ4x8"
    assert knear.index("Residual2x4,PQ4", D).spec == "IMI2x4,by_residual=on,nprobe=256,PQ4x8"


@pytest.mark.parametrize("name", ["MultiIndexQuantizer", "ResidualCoarseQuantizer"])
def test_combinations_are_as_good_as_those_of_faiss(name):
    faiss = pytest.importorskip("faiss")
    d, nlist = 32, 1024
    rng = np.random.default_rng(1)
    # Ten dimensions matter, turned.
    x = (rng.normal(size=(21000, 10)) @ rng.normal(size=(10, d)) + 0.3 * rng.normal(size=(21000, d))).astype("float32")
    base, queries = x[:20000], x[20000:]
    exact = knear.IndexFlatL2(d)
    exact.add(base)
    truth = exact.search(queries, 10)[1]
    recall = {}
    for library in (knear, faiss):
        index = library.IndexIVFPQ(getattr(library, name)(d, 2, 5), d, nlist, 16, 8)
        index.quantizer_trains_alone = 1
        index.train(base)
        index.add(base)
        index.nprobe = 32
        found = index.search(queries, 10)[1]
        recall[library.__name__] = np.mean([len(set(a) & set(b)) for a, b in zip(truth, found, strict=True)]) / 10
    assert recall["knear"] > recall["faiss"] - 0.02, recall


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_list_sizes_as_a_picture(kind, x, tmp_path):
    pytest.importorskip("matplotlib")
    index = knear.IndexIVFFlat(knear.IndexFlatL2(D), D, 30)
    with pytest.raises(ValueError, match="empty"):
        knear.plot_list_sizes(index)
    index.train(x)
    index.add(x)
    path = tmp_path / f"lists.{kind}"
    figure = knear.plot_list_sizes(index, path)
    assert path.stat().st_size > 1000
    heights = [patch.get_height() for patch in figure.axes[0].patches]
    assert sum(heights) == 30
    assert figure.axes[1].lines[0].get_ydata()[-1] == pytest.approx(1)
    with pytest.raises(TypeError):
        knear.plot_list_sizes(knear.IndexFlatL2(D))
