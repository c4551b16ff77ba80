"""The data sets: real ones where they are, otherwise generated; kept as .npy files that every process maps.

Names: "fashion" (60,000 x 784 pictures), "sift" (200,000 x 128 descriptors), "words" (60,000 x 100 word
vectors), "clustered-N-D" (N rows of D dimensions from a seeded generator) and those of HOSTILE.
"""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "versus-data"
SHARED = Path(os.environ.get("KNEAR_DATA", ROOT.parent / "shared" / "data"))
FASHION = Path("/usr/share/datasets/fashion-mnist")
QUERIES = 2000
REAL = ("fashion", "sift", "words")
# What may make a filter of few bits let too much pass, or cost more than it saves.
HOSTILE = {
    "near-duplicates": "100 clusters of 1,000 rows, spread 0.001",
    "one-loud-dimension": "one dimension N(0, 100) beside 99 of N(0, 1)",
    "words-2000": "2,000 of the word vectors",
    "words-6000": "6,000 of the word vectors",
    "gaussian-20000-784": "no structure at all",
    "words-offset": "word vectors, 10 more in each dimension",
    "words-giants": "word vectors, ten of them of norm 1,000,000",
}
HOSTILE_QUERIES = 1000


class Missing(Exception):
    """There is no such data, or the real data is not on this machine; the message says how to have it."""


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows (mapped, n x dim) and queries (in memory, nq x dim), float32. May raise Missing."""
    paths = [CACHE / f"{name}-{part}.npy" for part in ("base", "queries")]
    if not all(path.exists() for path in paths):
        CACHE.mkdir(parents=True, exist_ok=True)
        for path, rows in zip(paths, _make(name)):
            np.save(path.with_suffix(".tmp.npy"), np.ascontiguousarray(rows, np.float32))
            path.with_suffix(".tmp.npy").replace(path)
    return np.load(paths[0], mmap_mode="r"), np.load(paths[1])


def of_dimension(dim: int, quick: bool = False) -> str:
    """The name of the data set for one dimension of the grid: real where there is one."""
    real = {784: "fashion", 128: "sift", 100: "words"}.get(dim)
    if real and not quick and _is_there(real):
        return real
    n = (20_000 if quick else 200_000) if dim <= 128 else (5_000 if quick else 20_000)
    return f"clustered-{n}-{dim}"


def describe(name: str) -> dict[str, Any]:
    rows, queries = load(name)
    kind = "real" if name in REAL else "generated"
    return {"name": name, "kind": kind, "n": rows.shape[0], "dim": rows.shape[1], "queries": len(queries)}


def clustered(n: int, dim: int, clusters: int = 200, intrinsic: int = 16, seed: int = 7) -> np.ndarray:
    """n rows around cluster centres of unequal weight, on a subspace of `intrinsic` dimensions plus faint noise."""
    rng = np.random.default_rng(seed)
    intrinsic = min(intrinsic, dim)
    centres = rng.normal(0, 3, (clusters, intrinsic)).astype(np.float32)
    spread = rng.uniform(0.3, 1.5, (clusters, 1)).astype(np.float32)
    lift = rng.normal(0, 1 / np.sqrt(intrinsic), (intrinsic, dim)).astype(np.float32)
    weights = rng.dirichlet(np.ones(clusters))
    rows = np.empty((n, dim), np.float32)
    for i in range(0, n, 65536):
        m = min(65536, n - i)
        which = rng.choice(clusters, m, p=weights)
        latent = centres[which] + spread[which] * rng.standard_normal((m, intrinsic), np.float32)
        rows[i : i + m] = latent @ lift + 0.05 * rng.standard_normal((m, dim), np.float32)
    return rows


def _make(name: str) -> tuple[np.ndarray, np.ndarray]:
    if name == "fashion":
        return _fashion("train"), _fashion("t10k")[:QUERIES]
    if name == "sift":
        return _shared("sift200k_base_u8"), _shared("sift200k_query_u8")
    if name == "words":
        return _shared("words60k_base_f16"), _shared("words60k_query_f16")
    if name in HOSTILE:
        return _hostile(name)
    if not re.fullmatch(r"clustered-\d+-\d+", name):
        raise Missing(f"no data set is called {name}: know clustered-N-D, {', '.join([*REAL, *HOSTILE])}")
    _, n, dim = name.split("-")
    rows = clustered(int(n) + QUERIES, int(dim))
    return rows[QUERIES:], rows[:QUERIES]


def _hostile(name: str, seed: int = 11) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    if name.startswith("words"):
        return _changed_words(name, rng)
    if name == "near-duplicates":
        centres = rng.standard_normal((100, 100), np.float32)
        cluster = np.repeat(np.arange(100), 1000 + HOSTILE_QUERIES // 100)
        rows = centres[rng.permutation(cluster)] + np.float32(1e-3) * rng.standard_normal(
            (len(cluster), 100), np.float32
        )
    elif name == "one-loud-dimension":
        rows = rng.standard_normal((100_000 + HOSTILE_QUERIES, 100), np.float32)
        rows[:, 0] *= 100
    else:
        _, n, dim = name.split("-")
        rows = rng.standard_normal((int(n) + HOSTILE_QUERIES, int(dim)), np.float32)
    return rows[HOSTILE_QUERIES:], rows[:HOSTILE_QUERIES]


def _changed_words(name: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    rows, queries = load("words")
    rows = np.array(rows)
    if name == "words-offset":
        return rows + np.float32(10), queries + np.float32(10)
    if name == "words-giants":
        giants = rng.choice(len(rows), 10, replace=False)
        rows[giants] *= 1e6 / np.linalg.norm(rows[giants], axis=1, keepdims=True)
        return rows, queries
    some = np.sort(rng.choice(len(rows), int(name.split("-")[1]), replace=False))
    return rows[some], queries


def _is_there(name: str) -> bool:
    try:
        load(name)
    except Missing:
        return False
    return True


def _fashion(part: str) -> np.ndarray:
    path = FASHION / f"{part}-images-idx3-ubyte.gz"
    if not path.exists():
        raise Missing(f"{path} is missing: install the Debian package dataset-fashion-mnist")
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)


def _shared(stem: str) -> np.ndarray:
    path = SHARED / f"{stem}.npy"
    if not path.exists():
        raise Missing(f"{path} is missing: name its folder in KNEAR_DATA")
    return np.load(path)
