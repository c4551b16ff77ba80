"""Indexes around indexes: refining and transforms in front."""

import copy
import gc
import pickle

import numpy as np
import pytest

import knear


@pytest.fixture
def x(rng):
    return rng.random((600, 16), dtype="float32")


def refined(x, k_factor=4.0):
    index = knear.IndexRefineFlat(knear.IndexPQ(16, 4, 4), k_factor=k_factor)
    index.train(x)
    index.add(x)
    return index


def same(a, b):
    return np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])


def test_k_factor_in_all_its_spellings(x):
    index = refined(x)
    exact = knear.IndexFlatL2(16)
    exact.add(x)
    queries = x[:50] + np.float32(0.01)
    truth = exact.search(queries, 5)
    by_keyword = index.search(queries, 5, k_factor=40)
    by_params = index.search(queries, 5, params=knear.IndexRefineSearchParameters(k_factor=40))
    before = index.search(queries, 5)
    index.k_factor = 40
    assert same(index.search(queries, 5), by_keyword) and same(by_params, by_keyword)
    assert same(index.search(queries, 5, params=knear.IndexRefineSearchParameters()), by_keyword)
    assert same(index.search(queries, 5, k_factor=4), before)
    hits = [len(np.intersect1d(a, b)) for a, b in zip(by_keyword[1], truth[1])]
    fewer = [len(np.intersect1d(a, b)) for a, b in zip(before[1], truth[1])]
    assert sum(hits) > sum(fewer) and sum(hits) >= 0.95 * truth[1].size
    assert index.k_factor == 40 and index.spec == "PQ4x4,RFlat,k_factor=40"
    assert same(index.search(queries, 5, k_factor=120), truth)


def test_k_factor_that_makes_no_sense(x):
    index = refined(x)
    flat = knear.IndexFlatL2(16)
    for wrong in (0, 0.5, -3, float("nan"), 1e9):
        with pytest.raises(ValueError, match="k_factor"):
            index.search(x, 1, k_factor=wrong)
        with pytest.raises(ValueError, match="k_factor"):
            index.k_factor = wrong
    with pytest.raises(ValueError, match="rank again, not for Flat"):
        flat.search(x, 1, k_factor=2)
    with pytest.raises(ValueError, match="twice"):
        index.search(x, 1, k_factor=2, params=knear.IndexRefineSearchParameters(k_factor=3))
    with pytest.raises(AttributeError):
        flat.k_factor = 2
    with pytest.raises(TypeError, match="SearchParameters"):
        index.search(x, 1, params=8)


def test_parameters_travel_inside_each_other(x):
    index = refined(x)
    keep = knear.IDSelectorRange(100, 200)
    inner = knear.SearchParameters(sel=keep)
    params = knear.IndexRefineSearchParameters(k_factor=8, base_index_params=inner)
    assert params.base_index_params is inner and params.k_factor == 8
    assert same(index.search(x[:9], 3, params=params), index.search(x[:9], 3, filter=keep, k_factor=8))
    params = knear.IndexRefineSearchParameters(sel=keep)
    params.k_factor = 8
    assert same(index.search(x[:9], 3, params=params), index.search(x[:9], 3, filter=keep, k_factor=8))
    through = knear.index("PCA8,Flat", 16)
    through.train(x)
    through.add(x)
    params = knear.SearchParametersPreTransform(index_params=knear.SearchParameters(sel=keep))
    assert same(through.search(x[:9], 3, params=params), through.search(x[:9], 3, filter=keep))


def test_a_base_outlives_its_name_and_stays_readable(x):
    base = knear.IndexPQ(16, 4, 4)
    base.train(x)
    index = knear.IndexRefineFlat(base)
    index.add(x)
    alone = knear.IndexPQ(16, 4, 4)
    alone.train(x)
    alone.add(x)
    assert base.ntotal == 600
    assert same(base.search(x[:5], 3), alone.search(x[:5], 3))
    assert np.array_equal(base.get([5]), alone.get([5]))
    assert isinstance(index.base_index, knear.IndexPQ) and isinstance(index.refine_index, knear.IndexFlatL2)
    assert index.base_index.ntotal == index.refine_index.ntotal == 600
    found = index.search(x[:5], 3)
    del base
    gc.collect()
    assert same(index.search(x[:5], 3), found)


def test_a_part_is_changed_through_the_whole_only(x):
    base = knear.IndexFlatL2(16)
    index = knear.IndexRefineFlat(base)
    index.add(x)
    other = knear.IndexFlatL2(16)
    attempts = (
        lambda part: part.add(x),
        lambda part: part.train(x),
        lambda part: part.remove([1]),
        lambda part: part.remove(lambda id: True),
        lambda part: part.update([1], x[:1]),
        lambda part: part.reset(),
        lambda part: part.merge(other),
        lambda part: part.metadata.update(a="b"),
        lambda part: knear.IndexRefineFlat(part),
        lambda part: knear.IndexPreTransform(knear.HadamardRotation(16), part),
    )
    for part in (base, index.base_index, index.refine_index):
        for attempt in attempts:
            with pytest.raises(RuntimeError, match='part of "Flat,RFlat"'):
                attempt(part)
    assert index.verify().ok and len(index) == len(base) == 600
    alone = copy.copy(base)  # of its own
    alone.reset()
    assert len(base) == 600
    part = index.base_index
    del index
    gc.collect()
    part.remove([0])  # what it was a part of is gone
    assert len(base) == len(part) == 599


def test_rows_that_are_there_already(x):
    base = knear.IndexScalarQuantizer(16)
    base.train(x)
    base.add(x, ids=np.arange(600) * 3)
    with pytest.raises(ValueError, match="600 rows"):
        knear.IndexRefineFlat(base)
    index = knear.IndexRefineFlat(base, x)
    assert index.search(x[7:8], 1)[1].item() == 21
    with pytest.raises(ValueError, match="same object"):
        knear.IndexRefine(alone := knear.IndexFlatL2(4), alone)
    with pytest.raises(ValueError, match="dimensions"):
        knear.IndexRefine(alone, knear.IndexFlatL2(5))
    assert alone.add(np.eye(4, dtype="float32")) == 4  # nothing came of it


@pytest.mark.parametrize(
    ("spec", "cls"),
    [
        ("SQ4,RFlat", knear.IndexRefineFlat),
        ("SQ4,RFlat,k_factor=2", knear.IndexRefineFlat),
        ("PCA8,SQ4,Refine(SQ8)", knear.IndexRefine),
        ("PCA8,SQ4", knear.IndexPreTransform),
    ],
)
def test_factory_files_and_pickles_give_the_class(x, spec, cls):
    index = knear.index_factory(16, spec)
    index.train(x)
    index.add(x)
    for again in (index, knear.from_bytes(index.to_bytes()), pickle.loads(pickle.dumps(index))):
        assert type(again) is cls and again.spec == spec
        assert same(again.search(x[:4], 3), index.search(x[:4], 3))


def test_transforms_in_front(x):
    pca = knear.PCAMatrix(16, 8)
    inner = knear.IndexFlatL2(8)
    index = knear.IndexPreTransform(pca, inner)
    assert not index.is_trained
    index.train(x)
    index.add(x)
    taught = index.chain.at(0)
    assert isinstance(taught, knear.PCAMatrix) and taught.is_trained and index.chain.size() == 1
    assert not pca.is_trained  # what the caller has stays as it is
    images = index.apply_chain(x)
    assert np.array_equal(images, taught.apply(x))
    assert same(inner.search(images[:5], 3), index.search(x[:5], 3))
    assert same(index.index.search(images[:5], 3), index.search(x[:5], 3))
    with pytest.raises(RuntimeError, match="part of"):
        inner.add(images)
    by_factory = knear.index("PCA8,Flat", 16)
    by_factory.train(x)
    by_factory.add(x)
    assert by_factory.to_bytes() == index.to_bytes()


def test_a_trained_transform_stays_as_it_is(x):
    pca = knear.PCAMatrix(16, 8)
    pca.train(x[:100])
    index = knear.IndexPreTransform([pca], knear.IndexScalarQuantizer(8))
    index.train(x)
    assert np.array_equal(index.chain[0].A, pca.A)
    index.add(x)
    del pca
    gc.collect()
    assert index.search(x[:3], 1)[1].ravel().tolist() == [0, 1, 2]


def test_one_more_transform_in_front(x):
    index = knear.IndexPreTransform(knear.RandomRotationMatrix(12, 12), knear.IndexFlatL2(12))
    index.prepend_transform(knear.PCAMatrix(16, 12))
    assert (index.d, index.spec, len(index.chain)) == (16, "PCA12,RR,Flat", 2)
    with pytest.raises(ValueError, match="gives 3 dimensions, the index takes 16"):
        index.prepend_transform(knear.PCAMatrix(16, 3))
    index.train(x)
    index.add(x)
    assert index.search(x[:2], 1)[1].ravel().tolist() == [0, 1]
    with pytest.raises(ValueError, match="600 rows already"):
        index.prepend_transform(knear.HadamardRotation(16))
    with pytest.raises(TypeError, match="VectorTransforms"):
        knear.IndexPreTransform([knear.IndexFlatL2(3)], knear.IndexFlatL2(3))
    with pytest.raises(ValueError, match="without transforms"):
        knear.IndexPreTransform([], knear.IndexFlatL2(3))


def test_refining_what_lies_behind_transforms(x):
    index = knear.IndexRefineFlat(knear.IndexPreTransform(knear.OPQMatrix(16, 4, 8, bits=4), knear.IndexPQ(8, 4, 4)))
    index.train(x)
    index.add(x)
    assert index.spec == "OPQ4_8,bits=4,PQ4x4,RFlat"
    assert isinstance(index.base_index, knear.IndexPreTransform)
    assert index.search(x[:3], 1, k_factor=50)[1].ravel().tolist() == [0, 1, 2]
