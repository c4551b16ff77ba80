"""k-means."""

import warnings

import numpy as np
import pytest

import knear


@pytest.fixture
def blobs(rng):
    centres = 10 * rng.standard_normal((8, 5), dtype="float32")
    return np.repeat(centres, 60, axis=0) + rng.standard_normal((480, 5), dtype="float32"), centres


def test_finds_blobs(blobs):
    x, centres = blobs
    kmeans = knear.Kmeans(5, 8, nredo=10, niter=20)
    objective = kmeans.train(x)
    assert objective == pytest.approx(kmeans.obj[-1]) and kmeans.centroids.shape == (8, 5)
    D, I = kmeans.assign(x)
    assert I.shape == D.shape == (480,) and D.sum() < 480 * 8
    assert all(len(set(I[i : i + 60])) == 1 for i in range(0, 480, 60)) and len(set(I)) == 8
    assert {"obj", "time", "imbalance_factor", "nsplit"} <= set(kmeans.iteration_stats[0])


def test_any_number_of_threads_gives_the_same_bits(blobs):
    x, _ = blobs
    results = []
    for threads in (1, 3):
        kmeans = knear.Kmeans(5, 20, num_threads=threads, min_points_per_centroid=1)
        kmeans.train(x)
        results.append(kmeans.centroids.tobytes())
    assert results[0] == results[1]


def test_options(blobs):
    x, centres = blobs
    kmeans = knear.Kmeans(5, 8, niter=3, spherical=True, init="k-means++", seed=3)
    kmeans.train(x)
    assert np.linalg.norm(kmeans.centroids, axis=1) == pytest.approx(1, abs=1e-5)
    kmeans = knear.Kmeans(5, 8, niter=3, frozen_centroids=True)
    kmeans.train(x, init_centroids=centres[:2])
    assert (kmeans.centroids[:2] == centres[:2]).all()
    kmeans = knear.Kmeans(5, 1, niter=2, min_points_per_centroid=1)
    kmeans.train(x[:2], weights=np.array([3.0, 1.0]))
    assert kmeans.centroids[0] == pytest.approx((3 * x[0] + x[1]) / 4, abs=1e-5)
    kmeans = knear.Kmeans(5, 8, niter=2, int_centroids=True)
    kmeans.train(x)
    assert (kmeans.centroids == np.round(kmeans.centroids)).all()


def test_too_few_points_draw_one_warning(blobs):
    x, _ = blobs
    with pytest.warns(RuntimeWarning, match="480 rows for 100 centroids") as seen:
        knear.Kmeans(5, 100, niter=1).train(x)
    assert len(seen) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        knear.Kmeans(5, 8, niter=1).train(x)


def test_bad_input_is_named(blobs):
    x, _ = blobs
    with pytest.raises(ValueError, match="481"):
        knear.Kmeans(5, 481).train(x)
    with pytest.raises(ValueError, match="4 dimensions"):
        knear.Kmeans(5, 2).train(x[:, :4])
    with pytest.raises(ValueError, match="row 7"):
        knear.Kmeans(5, 2).train(np.where(np.arange(480)[:, None] == 7, np.nan, x).astype("float32"))
    with pytest.raises(TypeError, match="niterations"):
        knear.Kmeans(5, 2, niterations=3)
    with pytest.raises(ValueError, match="init"):
        knear.Kmeans(5, 2, init="best").train(x)
    with pytest.raises(RuntimeError):
        knear.Kmeans(5, 2).assign(x)


def test_numbers_are_clustered_best():
    centroids, objective, cells = knear.kmeans_1d([5, 1, 2, 6, 100], 3)
    assert centroids.tolist() == [1.5, 5.5, 100] and centroids.dtype == np.float32
    assert objective == 1 and cells.tolist() == [1, 0, 0, 1, 2]
    centroids, _, cells = knear.kmeans_1d(np.array([0.0, 1.0, 9.0]), 2, weights=[3, 1, 1])
    assert centroids.tolist() == [0.25, 9] and cells.tolist() == [0, 0, 1]
    assert knear.kmeans_1d(np.float32([2, 2, 3]), 5)[0].tolist() == [2, 3]
    with pytest.raises(ValueError, match="value 1"):
        knear.kmeans_1d([1, float("nan")], 1)
    with pytest.raises(ValueError, match="k"):
        knear.kmeans_1d([1], 0)


@pytest.mark.parametrize("spherical", [False, True])
def test_balance_bounds_the_cells(blobs, spherical):
    x, _ = blobs
    kmeans = knear.Kmeans(5, 7, balance=1.1, spherical=spherical)
    kmeans.train(x)
    D, I = kmeans.assign(x)
    assert np.bincount(I, minlength=7).max() <= np.ceil(1.1 * 480 / 7)
    given = kmeans.centroids[I]
    assert D == pytest.approx((x * given).sum(1) if spherical else ((x - given) ** 2).sum(1), rel=1e-4, abs=1e-4)
    assert kmeans.iteration_stats[-1]["imbalance_factor"] < 1.1
    with pytest.raises(ValueError, match="balance = 0.5"):
        knear.Kmeans(5, 7, balance=0.5).train(x)


def test_a_run_that_was_stopped_goes_on_with_the_same_bits(blobs):
    x, _ = blobs
    options = {"min_points_per_centroid": 1, "resumable": True}
    whole = knear.Kmeans(5, 40, **options)
    whole.train(x)
    seen = []

    def stop_after_two(stats, centroids):
        seen.append(centroids)
        return len(stats) < 2

    part = knear.Kmeans(5, 40, **options)
    part.train(x, on_iteration=stop_after_two)
    assert len(seen) == len(part.obj) == 2 and (seen[-1] == part.centroids).all()
    rest = knear.Kmeans(5, 40, **options)
    rest.train(x, init_centroids=part.centroids, done=part.iteration_stats)
    assert rest.centroids.tobytes() == whole.centroids.tobytes() and rest.obj == whole.obj
    with pytest.raises(ZeroDivisionError):
        part.train(x, on_iteration=lambda *_: 1 / 0)


def test_two_levels_give_k_centroids(blobs):
    x, _ = blobs
    kmeans = knear.Kmeans(5, 60, two_level=True, min_points_per_centroid=1)
    kmeans.train(x)
    assert kmeans.centroids.shape == (60, 5) and kmeans.assign(x)[0].mean() < 5
