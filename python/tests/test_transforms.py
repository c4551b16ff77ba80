"""The transforms by themselves."""

import copy
import pickle

import numpy as np
import pytest

import knear

D = 12


@pytest.fixture
def x(rng):
    mixed = rng.standard_normal((500, D)) @ rng.standard_normal((D, D)) + 3
    return mixed.astype("float32")


MADE = {
    "PCA5": lambda: knear.PCAMatrix(D, 5),
    "PCAW5": lambda: knear.PCAMatrix(D, 5, -0.5),
    "PCAR5": lambda: knear.PCAMatrix(D, 5, random_rotation=True),
    "PCA5,eigen_power=-0.25": lambda: knear.PCAMatrix(D, 5, -0.25),
    "RR": lambda: knear.RandomRotationMatrix(D, D),
    "RR20,seed=7": lambda: knear.RandomRotationMatrix(D, 20, 7),
    "OPQ3,bits=4,niter=3": lambda: knear.OPQMatrix(D, 3, bits=4, niter=3),
    "OPQ3_6": lambda: knear.OPQMatrix(D, 3, 6),
    "ITQ": lambda: knear.ITQMatrix(D),
    "ITQ6": lambda: knear.ITQTransform(D, 6),
    "HR": lambda: knear.HadamardRotation(D),
    "HR5": lambda: knear.HadamardRotation(D, 5),
    "L2norm": lambda: knear.NormalizationTransform(D),
    "Centre": lambda: knear.CenteringTransform(D),
    "Remap(2,0,-1)": lambda: knear.RemapDimensionsTransform(D, 3, [2, 0, -1]),
    "Linear2": lambda: linear(),
}


def linear():
    made = knear.LinearTransform(D, 2)
    made.set_matrix(np.arange(2 * D).reshape(2, D), [1, 2])
    return made


@pytest.fixture(params=MADE)
def spec(request):
    return request.param


@pytest.fixture
def transform(spec, x):
    made = MADE[spec]()
    made.train(x)
    return made


def test_what_it_says_of_itself(spec, transform, x):
    assert (transform.spec, transform.d_in, transform.is_trained) == (spec, D, True)
    images = transform.apply(x)
    assert images.shape == (500, transform.d_out) and images.dtype == np.float32
    assert np.array_equal(transform.apply_py(x[::-1])[::-1], images)
    assert np.array_equal(transform.apply(x, num_threads=1), images)
    assert type(transform).__name__ in repr(transform) and spec in repr(transform)


def test_the_way_back_and_again(transform, x):
    images = transform.apply(x)
    back = transform.reverse_transform(images)
    assert back.shape == x.shape
    assert np.allclose(transform.apply(back), images, atol=2e-3, rtol=1e-3)


def test_pickles_copies_and_files(transform, x, tmp_path):
    knear.write_VectorTransform(transform, tmp_path / "t")
    for again in (
        pickle.loads(pickle.dumps(transform)),
        copy.deepcopy(transform),
        knear.read_VectorTransform(tmp_path / "t"),
    ):
        assert again.spec == transform.spec and again.is_trained
        assert np.array_equal(again.apply(x), transform.apply(x))
    untrained = pickle.loads(pickle.dumps(knear.PCAMatrix(4, 2)))
    assert type(untrained) is knear.PCAMatrix and not untrained.is_trained


def test_what_is_linear_is_its_matrix(transform, x):
    if not isinstance(transform, knear.LinearTransform):
        assert not hasattr(transform, "A")
        return
    A, b = transform.A, transform.b
    assert A.shape == (transform.d_out, D) and b.shape in {(0,), (transform.d_out,)}
    wanted = x.astype("float64") @ A.astype("float64").T + (b if b.size else 0)
    assert np.allclose(transform.apply(x), wanted, atol=1e-3, rtol=1e-4)
    if transform.is_orthonormal:
        gram = A @ A.T if transform.d_out <= D else A.T @ A
        assert np.allclose(gram, np.eye(len(gram)), atol=1e-4)


def test_numbers_are_those_of_numpy(x):
    pca = knear.PCAMatrix(D, D)
    pca.train(x)
    wanted = np.sort(np.linalg.eigvalsh(np.cov(x.T.astype("float64"), bias=True)))[::-1]
    assert np.allclose(pca.apply(x).var(axis=0), wanted, rtol=1e-3)
    centred = knear.CenteringTransform(D)
    centred.train(x)
    assert np.allclose(centred.apply(x), x - x.mean(axis=0), atol=1e-4)
    unit = knear.NormalizationTransform(D).apply(x)
    assert np.allclose(unit, x / np.linalg.norm(x, axis=1, keepdims=True), atol=1e-6)
    assert np.array_equal(knear.RemapDimensionsTransform(D, 3, [2, 0, -1]).apply(x)[:, :2], x[:, [2, 0]])
    assert knear.RemapDimensionsTransform(2, 4, True).spec == "Remap(0,-1,1,-1)"
    assert knear.RemapDimensionsTransform(4, 2).spec == "Remap(0,2)"
    assert knear.RemapDimensionsTransform(2, 3, False).spec == "Remap(0,1,-1)"


def test_a_matrix_of_ones_own(x):
    own = knear.LinearTransform(D, 3)
    assert not own.is_trained
    with pytest.raises(RuntimeError, match="given"):
        own.train(x)
    with pytest.raises(RuntimeError, match="trained"):
        own.apply(x)
    A = np.random.default_rng(1).standard_normal((3, D)).astype("float32")
    own.A = A
    own.b = [1, 2, 3]
    assert own.have_bias and np.array_equal(own.A, A) and own.b.tolist() == [1, 2, 3]
    assert np.allclose(own.apply(x), x @ A.T + [1, 2, 3], atol=1e-3)
    index = knear.IndexPreTransform(own, knear.IndexFlatL2(3))
    index.add(x)
    again = knear.from_bytes(index.to_bytes())
    assert again.spec == "Linear3,Flat" and np.array_equal(again.chain[0].A, A)
    assert np.array_equal(again.search(x[:5], 3)[1], index.search(x[:5], 3)[1])
    with pytest.raises(ValueError, match=r"\(3, 12\), not \(12, 3\)"):
        own.A = A.T
    with pytest.raises(ValueError, match="NaN"):
        own.A = A * np.nan
    with pytest.raises(ValueError, match="bias of 2"):
        own.b = [1, 2]
    with pytest.raises(knear.Unsupported, match="PCAMatrix"):
        knear.PCAMatrix(D, 3).A = A
    rotation = knear.RandomRotationMatrix(D, D)
    rotation.init(9)
    assert rotation.spec == "RR,seed=9"


def test_mistakes_are_named(x):
    pca = knear.PCAMatrix(D, 5)
    with pytest.raises(RuntimeError, match="PCA5 is not trained"):
        pca.apply(x)
    with pytest.raises(RuntimeError, match="not trained"):
        _ = pca.A
    with pytest.raises(ValueError, match="at least 5 rows"):
        pca.train(x[:4])
    with pytest.raises(ValueError, match="takes 12 dimensions, not 11"):
        pca.train(x[:, :11])
    bad = x.copy()
    bad[7, 3] = np.nan
    with pytest.raises(ValueError, match="row 7"):
        pca.train(bad)
    pca.train(x)
    with pytest.raises(ValueError, match="takes 12 dimensions, not 5"):
        pca.apply(x[:, :5])
    with pytest.raises(ValueError, match="gives 5 dimensions, not 12"):
        pca.reverse_transform(x)
    with pytest.raises(ValueError, match="cannot give more"):
        knear.PCAMatrix(4, 5)
    with pytest.raises(ValueError, match="PCB"):
        knear.VectorTransform("PCB4", 8)
    with pytest.raises(ValueError, match="at least 1"):
        knear.PCAMatrix(0, 0)
    with pytest.raises(TypeError):
        pca.train("abc")
