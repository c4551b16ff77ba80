"""Small codes, transforms and refinement, through Python."""

import pickle

import numpy as np
import pytest

import knear

SPECS = [
    "SQ8", "SQ6", "SQ4,range=uniform", "PQ8", "PQ8x4fs", "PQ4x10", "PQ4+8", "LSH64r", "RaBitQ", "RaBitQ4", "ZnLattice4x10_6",
    "PCA16,SQ8", "OPQ8,PQ8x4", "L2norm,Flat", "HR,SQ4", "ITQ16,LSH16", "PQ8x4fs,RFlat", "RR,RaBitQ,Refine(SQ8)",
]  # fmt: skip


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    centres = rng.standard_normal((40, 32), dtype="float32")
    x = centres[rng.integers(40, size=2100)] + 0.3 * rng.standard_normal((2100, 32), dtype="float32")
    return x[100:], x[:100]


@pytest.mark.parametrize("spec", SPECS)
def test_train_add_search_save(spec, data, tmp_path):
    x, queries = data
    index = knear.index(spec, 32)
    assert not index.is_trained or spec in ("LSH64r", "L2norm,Flat", "ZnLattice4x10_6")
    with_rows = not index.is_trained
    if with_rows:
        with pytest.raises(RuntimeError, match="train"):
            index.add(x)
    index.train(x)
    assert index.is_trained and index.add(x) == 2000
    D, I = index.search(queries, 10)
    truth = knear.knn(queries, x, 10)[1]
    assert knear.recall(I, truth, 10) > 0.1
    assert index.search(queries, 10, filter=[3, 5])[1][:, :2].ravel().tolist().count(3) == 100
    assert index.remove(np.arange(100)) == 100 and not (index.search(queries, 10)[1] < 100).any()
    index.save(tmp_path / "a.knear")
    for other in (knear.load(tmp_path / "a.knear"), pickle.loads(pickle.dumps(index))):
        assert other.spec == index.spec and type(other) is type(index)
        assert (other.search(queries, 10)[1] == index.search(queries, 10)[1]).all()
    codes = index.sa_encode(x[:50])
    assert codes.shape == (50, index.code_size) and index.sa_decode(codes).shape == (50, 32)


def test_refinement_finds_more(data):
    x, queries = data
    truth = knear.knn(queries, x, 10)[1]
    recalls = []
    for spec in ("PQ8x4fs", "PQ8x4fs,RFlat"):
        index = knear.index(spec, 32)
        index.train(x)
        index.add(x)
        recalls.append(knear.recall(index.search(queries, 10)[1], truth, 10))
    assert recalls[1] > recalls[0] + 0.1


def test_names():
    for index, spec, size in [
        (knear.IndexPQ(32, 8), "PQ8x8", 8),
        (knear.IndexPQ(32, 8, 4), "PQ8x4", 4),
        (knear.IndexPQFastScan(32, 8), "PQ8x4fs", 4),
        (knear.IndexScalarQuantizer(32, knear.ScalarQuantizer.QT_4bit), "SQ4", 16),
        (knear.IndexLSH(32, 64), "LSH64r", 8),
        (knear.IndexRaBitQ(32, knear.METRIC_L2, 2), "RaBitQ2", 20),
        (knear.IndexLattice(32, 4, 6, 10), "ZnLattice4x10_6", None),
    ]:
        assert index.spec == spec and (size is None or index.code_size == size)
        assert type(knear.index_factory(32, spec)) is type(index)


@pytest.mark.parametrize(
    "spec, words",
    [
        ("PQ7", "multiple"), ("PQ8x17", "17"), ("SQ5", "not 5"), ("PQ8,nprobe=3", "nprobe"), ("PCA33,Flat", "33"),
        ("Flat,PQ8", "PQ8"), ("RaBitQ10", "10"), ("LSH0", "at least 1 bit"), ("Refine(Flat)", "Refine"), ("OPQ5,PQ8", "5"),
    ],
)  # fmt: skip
def test_bad_specs_are_named(spec, words):
    with pytest.raises(ValueError, match=words):
        knear.index(spec, 32)


def test_too_few_rows_to_train(data):
    x, _ = data
    with pytest.raises(ValueError, match="100"):
        knear.IndexPQ(32, 8).train(x[:100])
    with pytest.raises(ValueError, match="row 3"):
        knear.IndexPQ(32, 8).train(np.where(np.arange(2000)[:, None] == 3, np.nan, x).astype("float32"))


def test_other_searches_of_a_product_quantizer(rng):
    x = rng.random((2000, 16), dtype="float32")
    index = knear.IndexPQ(16, 8, 4, do_polysemous_training=True)
    index.train(x)
    index.add(x)
    assert index.spec == "PQ8x4,order=polysemous" and index.do_polysemous_training
    usual = index.search(x[:20], 5)
    images = index.sa_decode(index.sa_encode(x[:20]))
    index.search_type = knear.IndexPQ.ST_SDC
    assert np.array_equal(index.search(x[:20], 5)[1], index.search(images, 5)[1])
    index.search_type, index.polysemous_ht = knear.IndexPQ.ST_polysemous, 33
    assert np.array_equal(index.search(x[:20], 5)[1], usual[1])
    index.polysemous_ht = 1
    near = index.search(x[:20], 1)[1]
    assert np.array_equal(index.sa_encode(x[near.ravel()]), index.sa_encode(x[:20]))
    params = knear.SearchParametersPQ(search_type=knear.IndexPQ.ST_PQ)
    assert np.array_equal(index.search(x[:20], 5, params=params)[1], usual[1])
    index.search_type, index.polysemous_ht = knear.IndexPQ.ST_PQ, 0
    assert np.array_equal(index.search(x[:20], 5)[1], usual[1])
    with pytest.raises(ValueError, match="search_type"):
        index.search_type = 7
    with pytest.raises(ValueError, match="only a product quantizer"):
        knear.IndexFlatL2(16).search(x[:1], 1, params=params)
