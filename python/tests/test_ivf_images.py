"""Cells of vectors, codes of what a transform makes of them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import knear

D = 32
NLIST, NPROBE = 40, 8


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(60, D))
    scale = np.linspace(1.5, 0.2, D)
    x = (centres[rng.integers(60, size=8100)] + 0.4 * rng.normal(size=(8100, D))) * scale
    return x[100:].astype("float32"), x[:100].astype("float32")


@pytest.fixture(scope="module")
def centroids(data) -> np.ndarray:
    kmeans = knear.Kmeans(D, NLIST)
    kmeans.train(data[0])
    return kmeans.centroids


def quantizer_of(centroids: np.ndarray) -> knear.Index:
    quantizer = knear.IndexFlatL2(centroids.shape[1])
    quantizer.add(centroids)
    return quantizer


def share_of_nearest(I: np.ndarray, data) -> float:
    """Of the ten nearest, among all that were found."""
    truth = knear.knn(data[1], data[0], 10)[1]
    return float(np.mean([np.isin(t, found).mean() for t, found in zip(truth, I)]))


def found_by(index: knear.Index, data, k: int = 100) -> float:
    index.train(data[0])
    index.add(data[0])
    return share_of_nearest(index.search(data[1], k, nprobe=NPROBE)[1], data)


def part(**options) -> knear.IndexIVF:
    return knear.IndexIVF(knear.IndexFlatL2(16), 16, NLIST, "SQ8", **options)


def test_independent_quantizer(data, centroids):
    x, queries = data
    index = knear.IndexIVFIndependentQuantizer(quantizer_of(centroids), part(), knear.PCAMatrix(D, 16))
    assert (index.d, index.spec, index.nlist, index.is_trained) == (D, "IVF40,PCA16,SQ8", NLIST, False)
    assert found_by(index, data, 20) > 0.9
    np.testing.assert_array_equal(index.quantizer.get(range(NLIST)), centroids)
    again = pickle.loads(pickle.dumps(index))
    assert type(again) is knear.IndexIVFIndependentQuantizer
    assert type(knear.index("IVF9,PCA8,SQ8", D)) is knear.IndexIVFIndependentQuantizer
    np.testing.assert_array_equal(again.search(queries, 5)[1], index.search(queries, 5)[1])


def test_a_trained_transform_stays(data, centroids):
    x, queries = data
    pca = knear.PCAMatrix(D, 16)
    pca.train(x[:50])
    index = knear.IndexIVFIndependentQuantizer(quantizer_of(centroids), part(), pca)
    index.train(x)
    index.add(x)
    front = knear.IndexPreTransform(pca, knear.index("SQ8", 16))
    front.train(x)
    front.add(x)
    found = index.search(queries, 5, nprobe=NLIST)
    np.testing.assert_array_equal(found[1], front.search(queries, 5)[1])
    np.testing.assert_array_equal(found[0], front.search(queries, 5)[0])


def test_residuals_are_said(centroids):
    rotation = knear.RandomRotationMatrix(D, 16)
    named = knear.IndexIVFIndependentQuantizer
    assert named(quantizer_of(centroids), part(by_residual=True), rotation).by_residual
    assert named(quantizer_of(centroids), part(), rotation, by_residual=True).by_residual
    assert not named(quantizer_of(centroids), part(by_residual=True), rotation, by_residual=False).by_residual
    plain = named(quantizer_of(centroids), knear.IndexIVFFlat(knear.IndexFlatL2(D), D, NLIST))
    assert plain.spec == "IVF40,Flat"


def test_what_does_not_fit_is_refused(data, centroids):
    x, _ = data
    with pytest.raises(knear.InvalidArgument, match="takes 16 dimensions, not the 8"):
        knear.IndexIVFIndependentQuantizer(quantizer_of(centroids), part(), knear.PCAMatrix(D, 8))
    with pytest.raises(knear.InvalidArgument, match="not the 32"):
        knear.IndexIVFIndependentQuantizer(quantizer_of(centroids), part())
    with pytest.raises(knear.InvalidArgument, match="9 dimensions, the codec 20"):
        knear.IndexIVFIndependentQuantizer(knear.IndexFlatL2(9), part(), knear.PCAMatrix(20, 16))
    with pytest.raises(knear.WrongType, match="no cells"):
        knear.IndexIVFIndependentQuantizer(quantizer_of(centroids), knear.IndexFlatL2(16), knear.PCAMatrix(D, 16))
    with pytest.raises((knear.WrongType, TypeError)):
        knear.IndexIVFIndependentQuantizer(quantizer_of(centroids), part(), "PCA16")
    full = part()
    full.train(x[:, :16].copy())
    full.add(x[:, :16].copy())
    with pytest.raises(knear.InvalidArgument, match="8000 vectors"):
        knear.IndexIVFIndependentQuantizer(quantizer_of(centroids), full, knear.PCAMatrix(D, 16))
    with pytest.raises(knear.InvalidArgument, match="linear, without a mean"):
        knear.index("IVF40,by_residual=on,PCA16,SQ8", D, "ip")
    pca = knear.PCAMatrix(D, 16)
    pca.train(x + 5)
    with pytest.raises(knear.InvalidArgument, match="has a mean"):
        knear.IndexIVFSpectralHash(knear.IndexFlatL2(D), D, NLIST, 16, threshold_type=1, vt=pca)
    for bad in (0, -1.5, float("nan"), float("inf")):
        with pytest.raises(knear.InvalidArgument, match="period"):
            knear.IndexIVFSpectralHash(knear.IndexFlatL2(D), D, NLIST, 16, bad)
    with pytest.raises(knear.InvalidArgument, match="threshold_type"):
        knear.IndexIVFSpectralHash(knear.IndexFlatL2(D), D, NLIST, 16, threshold_type=4)
    with pytest.raises(knear.InvalidArgument, match="not nbit = 8"):
        knear.IndexIVFSpectralHash(knear.IndexFlatL2(D), D, NLIST, 8, vt=knear.PCAMatrix(D, 16))


def test_spectral_hash_is_spelled(centroids):
    hash = knear.IndexIVFSpectralHash
    specs = [
        hash(quantizer_of(centroids), D, NLIST, 16, 1.5, threshold_type=kind).spec
        for kind in (hash.Thresh_global, hash.Thresh_centroid, hash.Thresh_centroid_half, hash.Thresh_median)
    ]
    assert specs == [
        "IVF40,ITQ16,SH1.5",
        "IVF40,by_residual=on,ITQ16,SH1.5",
        "IVF40,by_residual=on,ITQ16,SH1.5h",
        "IVF40,ITQ16,SH1.5m",
    ]
    assert hash(quantizer_of(centroids), D, NLIST, 64).spec == "IVF40,RR64,SH"
    assert hash(quantizer_of(centroids), D, NLIST, 16, vt=knear.PCAMatrix(D, 16)).spec == "IVF40,PCA16,SH"
    assert type(knear.index_factory(D, "IVF40,PCAR16,SH1.5c")) is hash


def of_faiss(faiss, centroids, vt, period: float, data, k: int = 100):
    """What Faiss finds, thresholds at zero."""
    coarse = faiss.IndexFlatL2(D)
    coarse.add(centroids)
    index = faiss.IndexIVFSpectralHash(coarse, D, NLIST, vt.d_out, period)
    index.replace_vt(vt)
    index.own_fields = False
    index.train(data[0])
    index.add(data[0])
    index.nprobe = NPROBE
    return index.search(data[1], k)


@pytest.mark.parametrize("nbit", [16, 32])
def test_spectral_hash_finds_no_less_than_faiss(nbit, data, centroids):
    faiss = pytest.importorskip("faiss")
    x, queries = data
    theirs = faiss.PCAMatrix(D, nbit, 0.0, True)
    theirs.train(x)
    ours = knear.LinearTransform(D, nbit)
    ours.set_matrix(faiss.vector_to_array(theirs.A).reshape(-1, D)[:nbit], faiss.vector_to_array(theirs.b))
    deviation = float(np.sqrt(theirs.apply(x).var(axis=0).mean()))
    best = 0.0
    for factor in (2, 3, 4, 6, 8):
        period = factor * deviation
        index = knear.IndexIVFSpectralHash(quantizer_of(centroids), D, NLIST, nbit, period, vt=ours)
        index.train(x)
        index.add(x)
        wanted = of_faiss(faiss, centroids, theirs, period, data)
        # Of equal distances, they keep those of nearer cells, we those of smaller ids: so only distances compare.
        distances = index.search(queries, 100, nprobe=NPROBE)[0]
        assert np.mean(distances == wanted[0]) > 0.99
        best = max(best, share_of_nearest(wanted[1], data))
    learned = found_by(knear.IndexIVFSpectralHash(quantizer_of(centroids), D, NLIST, nbit, vt=ours), data)
    usual = found_by(knear.IndexIVFSpectralHash(quantizer_of(centroids), D, NLIST, nbit), data)
    assert min(learned, usual) > best - (0.07 if nbit == 16 else 0.03)


def test_medians_of_all_rows_find_more_than_those_of_lists(data, centroids):
    faiss = pytest.importorskip("faiss")
    hash = knear.IndexIVFSpectralHash
    found = found_by(hash(quantizer_of(centroids), D, NLIST, 32, 6.0, threshold_type=hash.Thresh_median), data)
    index = faiss.index_factory(D, f"IVF{NLIST},PCAR32,SH6.0m")
    index.train(data[0])
    index.add(data[0])
    index.nprobe = NPROBE
    assert found > share_of_nearest(index.search(data[1], 100)[1], data)
