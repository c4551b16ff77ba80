"""Graphs: by factory string, and by their well-known names."""

import copy
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


CLASSES = [
    (lambda: knear.IndexHNSW(24, 16), "HNSW16,Flat", knear.IndexHNSWFlat),
    (lambda: knear.IndexHNSW(24, 16, codes="RaBitQ4"), "HNSW16,RaBitQ4", knear.IndexHNSW),
    (lambda: knear.IndexHNSWFlat(24), "HNSW32,Flat", knear.IndexHNSWFlat),
    (lambda: knear.IndexHNSWFlat(24, 8, knear.METRIC_INNER_PRODUCT), "HNSW8,Flat", knear.IndexHNSWFlat),
    (lambda: knear.IndexHNSWSQ(24, knear.ScalarQuantizer.QT_8bit, 16), "HNSW16,SQ8", knear.IndexHNSWSQ),
    (lambda: knear.IndexHNSWPQ(24, 6, 16), "HNSW16,PQ6x8", knear.IndexHNSWPQ),
    (lambda: knear.IndexHNSWPQ(24, 6, 16, 4), "HNSW16,PQ6x4", knear.IndexHNSWPQ),
    (lambda: knear.IndexHNSW2Level(knear.IndexFlatL2(24), 64, 6, 16), "HNSW16,PQ1x6+6x8", knear.IndexHNSW2Level),
    (lambda: knear.IndexNSG(24, 16), "NSG16,Flat", knear.IndexNSGFlat),
    (lambda: knear.IndexNSG(24, 16, near_rows=30, codes="LSH"), "NSG16,near_rows=30,LSH", knear.IndexNSG),
    (lambda: knear.IndexNSGFlat(24, 16, "ip"), "NSG16,Flat", knear.IndexNSGFlat),
    (lambda: knear.IndexNSGPQ(24, 6, 16), "NSG16,PQ6x8", knear.IndexNSGPQ),
    (lambda: knear.IndexNSGSQ(24, knear.ScalarQuantizer.QT_6bit), "NSG32,SQ6", knear.IndexNSGSQ),
    (lambda: knear.IndexVamana(24, 16), "Vamana16,Flat", knear.IndexVamanaFlat),
    (lambda: knear.IndexVamanaFlat(24, alpha=1.5), "Vamana32,alpha=1.5,Flat", knear.IndexVamanaFlat),
    (lambda: knear.IndexVamanaPQ(24, 6, 16), "Vamana16,PQ6x8", knear.IndexVamanaPQ),
    (lambda: knear.IndexVamanaSQ(24), "Vamana32,SQ8", knear.IndexVamanaSQ),
    (lambda: knear.IndexNNDescent(24, 16, codes="SQ8"), "NNDescent16,SQ8", knear.IndexNNDescent),
    (lambda: knear.IndexNNDescentFlat(24, 16), "NNDescent16,Flat", knear.IndexNNDescentFlat),
]


@pytest.mark.parametrize(("make", "spec", "cls"), CLASSES)
def test_every_class_builds_searches_and_comes_back(rows, make, spec, cls, tmp_path) -> None:
    index = make()
    assert index.spec == spec
    index.train(rows)
    index.add(rows)
    before = index.search(rows[:50], 10)[1]
    path = tmp_path / "graph"
    knear.write_index(index, path)
    made = knear.index_factory(24, spec, index.metric_type)
    assert type(made) is cls and made.spec == spec
    for again in (knear.read_index(path), pickle.loads(pickle.dumps(index)), copy.deepcopy(index)):
        assert again.spec == spec and again.graph_stats.max_degree == index.graph_stats.max_degree > 0
        np.testing.assert_array_equal(again.search(rows[:50], 10)[1], before)
    assert type(knear.read_index(path)) is cls


def test_the_graph_is_read_and_set_by_its_known_names(rows) -> None:
    index = knear.IndexHNSWFlat(24, 16)
    assert (index.hnsw.max_level, index.hnsw.entry_point, index.graph_stats.mean_degree) == (-1, -1, 0)
    index.hnsw.efConstruction = 50
    index.add(rows)
    assert index.hnsw.max_level >= 1 and index.hnsw.entry_point in index
    assert index.hnsw.nb_neighbors(0) == 32 and index.hnsw.nb_neighbors(1) == 16
    index.hnsw.efSearch = 16
    assert index.ef_search == 16 and index.ef_construction == 50
    assert index.spec == "HNSW16,ef_construction=50,ef_search=16,Flat"
    stats = index.graph_stats
    assert stats.degrees.sum() == 4000 and stats.max_degree <= 32 and stats.reachable == 1
    assert stats.mean_degree == pytest.approx((stats.degrees * np.arange(len(stats.degrees))).sum() / 4000)
    for name in ("efSearch", "efConstruction"):
        for bad in (0, -1, 2**40):
            with pytest.raises(ValueError, match=str(bad) if bad > 0 else name):
                setattr(index.hnsw, name, bad)
    with pytest.raises(AttributeError):
        index.hnsw.efsearch = 8
    with pytest.raises(AttributeError):
        index.efSearch = 8
    assert index.hnsw.efSearch == 16


def test_search_parameters(rows) -> None:
    index = knear.IndexHNSWFlat(24, 4)
    index.hnsw.efSearch = 4
    index.add(rows)
    looked = [
        index.search(rows[:20], 1, return_stats=True, **how)[2].rows_scored
        for how in (
            {},
            {"ef_search": 200},
            {"params": knear.SearchParametersHNSW(efSearch=200)},
            {"params": knear.SearchParametersHNSW(efSearch=None, check_relative_distance=False)},
        )
    ]
    assert looked[0] * 3 < looked[1] == looked[2] and looked[3] == looked[0]
    assert index.hnsw.efSearch == 4
    params = knear.SearchParametersHNSW(sel=knear.IDSelectorRange(0, 2000), efSearch=100)
    assert params.efSearch == params.ef_search == 100
    assert (index.search(rows[:20], 5, params=params)[1] < 2000).all()
    _, _, found = index.range_search(rows[:5], 1.0, params=params)
    assert (found < 2000).all() and set(range(5)) <= set(found.tolist())
    with pytest.raises(ValueError, match="said twice"):
        index.search(rows[:1], 1, params=params, ef_search=9)
    flat = knear.IndexFlatL2(24)
    flat.add(rows)
    with pytest.raises(ValueError, match="ef_search = 100 is for graphs"):
        flat.search(rows[:1], 1, params=knear.SearchParametersHNSW(efSearch=100))
    for bad in (0, -3):
        with pytest.raises(ValueError, match="efSearch"):
            index.search(rows[:1], 1, params=knear.SearchParametersHNSW(efSearch=bad))


def test_a_graph_finds_the_cells_of_a_partition(rows) -> None:
    index = knear.index_factory(24, "IVF64_HNSW8,Flat")
    index.train(rows)
    index.add(rows)
    assert isinstance(index.quantizer, knear.IndexHNSWFlat) and index.quantizer.ntotal == 64
    index.quantizer.hnsw.efSearch = 200
    assert index.spec == "IVF64(HNSW8,ef_search=200,Flat),Flat"
    assert pickle.loads(pickle.dumps(index)).quantizer.hnsw.efSearch == 200
    own = knear.IndexIVFFlat(knear.IndexHNSWFlat(24, 8), 24, 64)
    own.train(rows)
    assert own.quantizer.ntotal == 64


@pytest.mark.parametrize("bad", [-1, 1, 513, 2**70])
def test_absurd_degrees_are_refused(bad) -> None:
    with pytest.raises(ValueError, match=str(min(abs(bad), 513)) if bad < 2**60 else "HNSW"):
        knear.IndexHNSWFlat(24, bad)


def test_recall_is_at_least_that_of_faiss(rows) -> None:
    faiss = pytest.importorskip("faiss")
    queries = np.random.default_rng(2).standard_normal((300, 24)).astype(np.float32)
    truth = knear.knn(queries, rows, 10)[1]
    theirs = faiss.IndexHNSWFlat(24, 16)
    ours = knear.IndexHNSWFlat(24, 16)
    for index in (theirs, ours):
        index.add(rows)
        index.hnsw.efSearch = 32
    found = [knear.recall(index.search(queries, 10)[1], truth, 10) for index in (ours, theirs)]
    assert found[0] >= found[1], found


def test_other_graphs_are_read_and_set_by_their_known_names(rows) -> None:
    nsg = knear.IndexNSGFlat(24, 16)
    nsg.nsg.L = 60
    nsg.add(rows)
    nsg.nsg.search_L = 20
    assert (nsg.nsg.R, nsg.nsg.L, nsg.nsg.search_L, nsg.GK) == (16, 60, 20, 48)
    assert nsg.nsg.enterpoint in nsg and nsg.ef_search == 20
    assert nsg.search(rows[:5], 1, params=knear.SearchParametersHNSW(efSearch=99))[1][:, 0].tolist() == list(range(5))
    descent = knear.IndexNNDescentFlat(24, 16)
    descent.nndescent.search_L = 30
    assert (descent.nndescent.K, descent.ef_search) == (16, 30)
    assert knear.IndexVamana(24, 16, alpha=1.3).alpha == 1.3
    for make in (
        lambda: knear.IndexVamana(24, alpha=0.9),
        lambda: knear.IndexVamana(24, alpha=float("nan")),
        lambda: knear.IndexNSG(24, near_rows=0),
        lambda: knear.IndexNSGFlat(24, -3),
        lambda: knear.IndexNSGSQ(24, 77),
    ):
        with pytest.raises(ValueError):
            make()
    with pytest.raises(AttributeError):
        nsg.nsg.search_l = 3


def test_near_vectors_of_each(rows) -> None:
    distances, ids = knear.knn_graph(rows, 10)
    assert distances.shape == ids.shape == (4000, 10)
    truth = knear.knn(rows, rows, 11)[1][:, 1:]
    assert knear.recall(ids, truth, 10) > 0.97
    assert (ids != np.arange(4000)[:, None]).all() and (np.diff(distances, axis=1) >= 0).all()
    np.testing.assert_array_equal(ids, knear.knn_graph(rows, 10, num_threads=1)[1])
    with pytest.raises(ValueError, match="k"):
        knear.knn_graph(rows, 0)
    with pytest.raises(ValueError):
        knear.knn_graph(rows, 3, "no such metric")


def test_nsg_finds_as_much_as_that_of_faiss(rows) -> None:
    faiss = pytest.importorskip("faiss")
    queries = np.random.default_rng(2).standard_normal((300, 24)).astype(np.float32)
    truth = knear.knn(queries, rows, 10)[1]
    theirs = faiss.IndexNSGFlat(24, 32)
    ours = knear.IndexNSGFlat(24, 32)
    for index in (theirs, ours):
        index.add(rows)
        index.nsg.search_L = 32
    found = [knear.recall(index.search(queries, 10)[1], truth, 10) for index in (ours, theirs)]
    assert found[0] >= found[1], found


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_degrees_as_a_picture(rows, tmp_path, kind) -> None:
    pytest.importorskip("matplotlib")
    index = knear.IndexNSGFlat(24, 16)
    with pytest.raises(ValueError, match="empty"):
        knear.plot_degrees(index)
    index.add(rows[:1000])
    path = tmp_path / f"degrees.{kind}"
    figure = knear.plot_degrees(index, path)
    assert path.stat().st_size > 1000
    assert sum(patch.get_height() for patch in figure.axes[0].patches) == 1000
    with pytest.raises(TypeError):
        knear.plot_degrees(knear.IndexFlatL2(24))


def test_codes_in_two_layers_by_the_names_of_the_field() -> None:
    assert knear.index_factory(24, "HNSW32,64+PQ6").spec == "HNSW32,PQ1x6+6x8"
    assert knear.index_factory(24, "HNSW32,2x5+PQ6").spec == "HNSW32,PQ2x5+6x8"
    for bad in ("HNSW32,100+PQ6", "HNSW32,1+PQ6", "HNSW32,2x+PQ6", "64+PQ6", "HNSW32,64+PQ", "HNSW32,64y+PQ6"):
        with pytest.raises(ValueError):
            knear.index_factory(24, bad)
    full = knear.IndexFlatL2(24)
    full.add(np.zeros((3, 24), np.float32))
    with pytest.raises(ValueError, match="3 vectors"):
        knear.IndexHNSW2Level(full, 64, 6)
